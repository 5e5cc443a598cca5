"""Who and what is in the demo. Ids are fixed, so that filling a shop twice adds nothing."""

from uuid import UUID

from domain.message import message
from infrastructure.identity.tokens import Role

PASSWORD = "kickflip over the gap"  # noqa: S105  # everybody knows it; that is what a demo is


@message
class Person:
    """`deposit` is what the account starts with, in major units."""

    email: str
    name: str
    role: Role = "USER"
    deposit: int = 0


@message
class Skateboard:
    """`price` in major units."""

    number: int
    name: str
    picture: str
    price: int
    quantity: int

    @property
    def id(self) -> UUID:
        return UUID(f"0199f3a0-0000-7000-8000-{self.number:012}")

    @property
    def image_url(self) -> str:
        return f"/static/skateboards/{self.picture}.svg"


ADMIN = Person("admin@example.com", "Alex", "ADMIN")
ADA = Person("ada@example.com", "Ada", deposit=1_000)
GRACE = Person("grace@example.com", "Grace", deposit=1_000)
# Those who want the same five boards, in the last of the stories.
BUYERS = tuple(Person(f"buyer{n:02}@example.com", f"Buyer {n}") for n in range(1, 21))
PEOPLE = (ADMIN, ADA, GRACE, *BUYERS)

AURORA = Skateboard(1, "Aurora", "aurora", 89, 40)
SUNSET = Skateboard(2, "Sunset", "sunset", 79, 40)
CHECKMATE = Skateboard(3, "Checkmate", "checkmate", 65, 60)
NIGHT_SHIFT = Skateboard(4, "Night Shift", "night-shift", 99, 25)
SUMMIT = Skateboard(5, "Summit", "summit", 110, 30)
UNDERTOW = Skateboard(6, "Undertow", "undertow", 95, 30)
MOJAVE = Skateboard(7, "Mojave", "mojave", 72, 50)
THUNDER = Skateboard(8, "Thunder", "thunder", 125, 20)
POLKA = Skateboard(9, "Polka", "polka", 49, 80)
COMET = Skateboard(10, "Comet", "comet", 149, 5)
SKATEBOARDS = (
    AURORA,
    SUNSET,
    CHECKMATE,
    NIGHT_SHIFT,
    SUMMIT,
    UNDERTOW,
    MOJAVE,
    THUNDER,
    POLKA,
    COMET,
)
