"""What the command line tells the shell."""

OK = 0
USAGE = 2  # the call cannot be meant
REFUSED = 3  # the input was read and is refused
NOTHING_FITS = 4  # no implant fits; the plan folder is written all the same, with the reasons
FINDINGS = 10  # done, and a person should look at what was found
INTERNAL = 70  # our fault
INTERRUPTED = 130  # Ctrl-C, as shells count it
