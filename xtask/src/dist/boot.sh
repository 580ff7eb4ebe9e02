# Boots systemd in the root folder $1, in namespaces of its own, and writes its process id to the file $2. Only a cgroup is
# seen outside, and it is removed at the end.
set -e
if [ "$3" != inside ]; then
    groups=$(mktemp -d)
    mount -t cgroup2 cgroup2 "$groups"
    mkdir "$groups/tympan-dist-$$"
    echo $$ > "$groups/tympan-dist-$$/cgroup.procs"
    unshare --pid --fork --kill-child --mount --net --uts --ipc --cgroup sh "$0" "$1" "$2" inside || true
    echo $$ > "$groups/cgroup.procs"
    find "$groups/tympan-dist-$$" -depth -type d -exec rmdir {} +
    umount "$groups"
    rmdir "$groups"
    exit
fi
# The id as it is outside: this is still the other /proc.
read -r pid rest < /proc/self/stat
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    : > "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
hostname tympan-proof
echo "$pid" > "$2"
# Not chroot: no process under one may have users of its own, as the unit wants it.
pivot_root . mnt
exec env -i container=xtask PATH=/usr/sbin:/usr/bin sh -c 'umount -l /mnt && exec /lib/systemd/systemd --system'
