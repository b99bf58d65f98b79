"""What the verbs do, imported when their settings are right: ``polarity/VERB.py`` reads the command line."""
