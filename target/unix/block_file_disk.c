/* block_file_disk.c - the lock of a disk, and its size.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/block_file_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum result block_file_disk_lock(int descriptor, bool read_only)
{
    struct flock lock = { .l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(descriptor, F_OFD_SETLK, &lock) == 0) return OK;
    return errno == EAGAIN || errno == EACCES ? EXISTS : FAILED;
}

enum result block_file_disk_measure(int descriptor, struct block_file_disk_size *size)
{
    struct stat status;
    int sector_bytes = 0;
    if (fstat(descriptor, &status) != 0) return FAILED;
    *size = (struct block_file_disk_size){ .bytes = (uint64_t)status.st_size };
    if (S_ISREG(status.st_mode)) return OK;
    if (!S_ISBLK(status.st_mode)) return INVALID;
    if (ioctl(descriptor, BLKGETSIZE64, &size->bytes) != 0 ||
        ioctl(descriptor, BLKSSZGET, &sector_bytes) != 0)
        return FAILED;
    size->sector_bytes = (uint32_t)sector_bytes;
    return OK;
}
