"""The command line: `shop`, in `main`; what operators use, in `operators`."""
