"""Who was walked with to choose the detector's constants, and who was not: the only place that says so.

Every second name of the sorted list within each group (study Ga or Ju, controls Co or patients Pt). All 24 were in
view while the present constants were chosen: the held-out half is honest from then on.
"""

TUNING = (
    *("GaCo01_01", "GaCo05_01", "GaCo11_01"),
    *("GaPt05_01", "GaPt12_01", "GaPt17_10"),
    *("JuCo01_01", "JuCo09_01", "JuCo17_01"),
    *("JuPt01_01", "JuPt11_01", "JuPt17_01"),
)
HELD_OUT = (
    *("GaCo03_01", "GaCo08_01", "GaCo15_10"),
    *("GaPt07_01", "GaPt16_01", "GaPt20_01"),
    *("JuCo06_01", "JuCo14_01", "JuCo20_01"),
    *("JuPt07_01", "JuPt13_01", "JuPt18_01"),
)
GAITPDB = tuple(sorted(TUNING + HELD_OUT))
MOTICON = ("230927_102114", "230927_102137", "230927_102231", "text_export")
# Two of each half, short ones and a hard one: flat landing (JuPt17).
QUICK = ("JuCo01_01", "JuCo14_01", "JuPt07_01", "JuPt17_01")
