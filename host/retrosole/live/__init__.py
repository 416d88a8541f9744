"""See: pressure, strides and losses while somebody walks.

`state` holds what is to be shown, `pace` and `hint` what follows from the strides, `centre` where the load is. `panel`
and `bars` turn it into rows of coloured text without any terminal library, `app` (with `terse`) puts the rows on a
terminal (it alone needs Textual), `lines` is for output that is not a terminal. `web` serves the files in `page/` (it
alone needs websockets): `gate` says to whom, `feed` what they are told.
"""
