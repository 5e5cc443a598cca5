"""The kinds of processes that there are: one line each."""

from application import place_order, return_order
from application.process import AnyProcess

PROCESSES: tuple[AnyProcess, ...] = (place_order.PROCESS, return_order.PROCESS)
