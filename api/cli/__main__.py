"""`shop`, and `python -m api.cli`: while it is imported, Ctrl+C ends it quietly."""

import gc
import signal


def main() -> None:
    """Run `shop`."""
    waiting = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from api.cli.streams import prepare_streams  # noqa: PLC0415  # from here on it is quiet

    prepare_streams()
    # Whatever is imported stays. To look through it for garbage, at the very end once more, takes
    # as long as to import it.
    gc.disable()
    from api.cli.main import main as run  # noqa: PLC0415  # takes half a second

    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGINT, waiting)
    run()


if __name__ == "__main__":
    main()
