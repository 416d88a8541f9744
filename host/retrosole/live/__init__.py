"""See: pressure, strides and losses while somebody walks.

`state` holds what is to be shown, `panel` turns it into rows of coloured text without any terminal
library, `app` puts the rows on a terminal (it alone needs Textual), `lines` is for output that is
not a terminal.
"""
