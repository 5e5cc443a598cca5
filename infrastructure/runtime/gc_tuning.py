"""Python's collector of circles, in the shop's processes."""

import gc


def spare_the_collector() -> None:
    """What was made so far lives until the end, and most of what follows dies by itself: looking
    for circles in it at Python's usual pace took a quarter of the time of the runners, and a third
    of that of a page of orders."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
