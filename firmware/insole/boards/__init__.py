# One module per board: the only pin numbers of the project. A site is where under the foot a channel sits.
