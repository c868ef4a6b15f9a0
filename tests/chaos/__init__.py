"""The fault campaign: kills, broken networks, bad answers, full disks; afterwards the truth must be the undisturbed one."""
