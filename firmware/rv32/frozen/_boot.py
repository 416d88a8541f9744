# Mounts the file system at '/' at power-on and after every soft reset. Called by rv32_boot() in
# board.c. The memory is loaded by the host before the machine starts and survives a soft reset, as
# flash does. Where the host has set the word at 0x80FFF004 these files are the stand-ins of a board: they go to
# /twin, and their module _board says what its own flash is and mounts that.
import uctypes
import vfs

_BLOCK_BYTES = 4096


class Flash:
    # Extended block protocol of MicroPython over ordinary memory: no wear, no erase time.
    def __init__(self, address, blocks_n):
        self._memory = memoryview(uctypes.bytearray_at(address, blocks_n * _BLOCK_BYTES))

    def readblocks(self, block_idx, buf, offset=0):
        start = block_idx * _BLOCK_BYTES + offset
        buf[:] = self._memory[start : start + len(buf)]

    def writeblocks(self, block_idx, buf, offset=0):
        start = block_idx * _BLOCK_BYTES + offset
        self._memory[start : start + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return len(self._memory) // _BLOCK_BYTES
        if op == 5:
            return _BLOCK_BYTES
        return 0


def mount():
    flash = Flash(0x81000000, 256)
    try:
        files = vfs.VfsLfs2(flash)
    except OSError:  # nothing was loaded there: start empty, as a new board does
        vfs.VfsLfs2.mkfs(flash)
        files = vfs.VfsLfs2(flash)
    vfs.mount(files, "/")
    return files


def be_a_board(files):
    import sys

    vfs.umount("/")
    vfs.mount(files, "/twin")
    sys.path.append("/twin")
    import _board

    _board.mount()


def boot():
    files = mount()
    if uctypes.bytearray_at(0x80FFF004, 1)[0]:
        be_a_board(files)


boot()
del Flash, be_a_board, boot, mount
