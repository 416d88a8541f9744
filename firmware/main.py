# What MicroPython runs at every start: the launcher, which chooses the firmware and starts it.
import launch

launch.main()
