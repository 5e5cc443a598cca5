"""A whole shop for the tests of a module, as for those of the API."""

from tests.api.conftest import shop  # noqa: F401  # fixture
