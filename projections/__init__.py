"""The read models: tables filled by pure functions of the log, and the queries that read them."""

from projections import accounts, orders, products, returns
from projections.projection import Projection

PROJECTIONS: tuple[Projection, ...] = (
    products.PROJECTION,
    orders.PROJECTION,
    accounts.PROJECTION,
    returns.PROJECTION,
)
