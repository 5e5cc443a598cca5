"""What a log is good for: looking, rebuilding, proving, moving. Nothing here mails or notifies."""
