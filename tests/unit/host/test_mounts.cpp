#include <mad/host/mounts.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

using namespace mad::host;

namespace {

/// The mountpoints that are looked at, best of each group first, groups apart by ` | `.
std::string chosen(std::string_view text, bool network = false) {
    std::vector<mount_entry> entries;
    parse_mountinfo(text, entries);
    std::vector<mount_choice> out;
    choose_mounts(entries, network, out);
    std::string s;
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (i > 0)
            s += out[i].group == out[i - 1].group ? " " : " | ";
        s += out[i].mountpoint;
    }
    return s;
}

/// The one entry of a line.
mount_entry entry(std::string_view line) {
    std::vector<mount_entry> entries;
    REQUIRE(parse_mountinfo(line, entries));
    REQUIRE(entries.size() == 1);
    return entries[0];
}

} // namespace

TEST_CASE("all fields of a mountinfo line, with and without optional ones") {
    auto const optional = GENERATE(as<std::string>{}, "", "shared:1 ", "shared:1 master:2 ",
                                   "master:3 propagate_from:2 unbindable ");
    CAPTURE(optional);
    auto const line =
        "36 35 98:7 /sub /mnt2 rw,noatime " + optional + "- ext3 /dev/root rw,errors\n";
    auto const m = entry(line);
    CHECK(m.id == 36);
    CHECK(m.parent == 35);
    CHECK(m.major == 98);
    CHECK(m.minor == 7);
    CHECK(m.root == "/sub");
    CHECK(m.mountpoint == "/mnt2");
    CHECK(m.options == "rw,noatime");
    CHECK(m.type == "ext3");
    CHECK(m.source == "/dev/root");
    CHECK(m.super_options == "rw,errors");
}

TEST_CASE("an empty source does not shift the options") {
    auto const m = entry("36 35 0:7 / /mnt rw - ext4  ro,x\n");
    CHECK(m.source.empty());
    CHECK(m.super_options == "ro,x");
    CHECK(m.read_only());
}

TEST_CASE("lines that make no sense are left out") {
    std::vector<mount_entry> out;
    CHECK_FALSE(parse_mountinfo("", out));
    CHECK_FALSE(parse_mountinfo("\nx\n1 2\n1 2 3 / / rw - ext4 a rw\n1 2 3:x / / rw - ext4 a rw\n"
                                "1 2 3:4 / / rw ext4 a rw\n1 2 3:4 / relative rw - ext4 a rw\n"
                                "1 2 3:4 / / rw -\n-1 2 3:4 / / rw - ext4 a rw\n",
                                out));
    CHECK(parse_mountinfo("rubbish\n1 2 3:4 / / rw - ext4 a rw", out));
    CHECK(out.size() == 1);
}

TEST_CASE("octal escapes stand for bytes") {
    struct row {
        std::string_view field, path;
    };
    auto const r = GENERATE(values<row>({
        {"/mnt/a\\040b", "/mnt/a b"},
        {"/t\\011n\\012b\\134", "/t\tn\nb\\"},
        {"/hash\\043", "/hash#"},
        {"/\\303\\251", "/\xc3\xa9"},
        {"/plain", "/plain"},
        {"/cut\\04", "/cut\\04"},
        {"/no\\088", "/no\\088"},
        {"/big\\477", "/big\\477"},
        {"/end\\", "/end\\"},
        {"", ""},
    }));
    CAPTURE(r.field);
    CHECK(unescape_mount(r.field) == r.path);
}

TEST_CASE("read-only by either list of options, or after an error") {
    struct row {
        std::string_view options, super;
        bool read_only;
    };
    auto const r = GENERATE(values<row>({
        {"rw,relatime", "rw", false},
        {"ro,relatime", "rw", true},
        {"rw", "ro", true},
        {"rw", "rw,errors=remount-ro", false},
        {"rw", "rw,emergency_ro", true},
        {"rw,relatime,ro", "rw", true},
        {"rw,protocol", "rw,rox", false},
    }));
    CAPTURE(r.options, r.super);
    mount_entry m;
    m.options = r.options;
    m.super_options = r.super;
    CHECK(m.read_only() == r.read_only);
}

TEST_CASE("what a type is to us, and whether it may hang") {
    struct row {
        std::string_view type;
        fs_kind kind;
        bool hangs;
    };
    auto const r = GENERATE(values<row>({
        {"ext4", fs_kind::local, false},
        {"xfs", fs_kind::local, false},
        {"btrfs", fs_kind::local, false},
        {"zfs", fs_kind::local, false},
        {"vfat", fs_kind::local, false},
        {"ntfs3", fs_kind::local, false},
        {"bcachefs", fs_kind::local, false},
        {"ocfs2", fs_kind::local, true}, // a cluster's lock may be gone
        {"vboxsf", fs_kind::local, true},
        {"made-up", fs_kind::local, true}, // whoever answers
        {"fuseblk", fs_kind::local, true},
        {"virtiofs", fs_kind::local, true},
        {"nfs", fs_kind::network, true},
        {"nfs4", fs_kind::network, true},
        {"cifs", fs_kind::network, true},
        {"fuse.glusterfs", fs_kind::network, true},
        {"fuse.sshfs", fs_kind::network, true},
        {"9p", fs_kind::network, true},
        {"smbfs", fs_kind::network, true},
        {"beegfs", fs_kind::network, true},
        {"gpfs", fs_kind::network, true},
        {"fuse.lxcfs", fs_kind::skipped, true},
        {"fuse", fs_kind::skipped, true},
        {"tmpfs", fs_kind::skipped, false},
        {"overlay", fs_kind::skipped, false},
        {"squashfs", fs_kind::skipped, false},
        {"cgroup2", fs_kind::skipped, false},
        {"proc", fs_kind::skipped, false},
        {"autofs", fs_kind::skipped, false},
        {"iso9660", fs_kind::skipped, false},
    }));
    CAPTURE(r.type);
    CHECK(fs_kind_of(r.type) == r.kind);
    CHECK(may_hang(r.type) == r.hangs);
}

TEST_CASE("a disk below a mount that may hang may hang with it") {
    std::vector<mount_entry> all;
    REQUIRE(parse_mountinfo("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                            "2 1 0:50 / /srv rw - nfs4 s:/x rw\n"
                            "3 2 8:2 / /srv/disk rw - xfs /dev/sda2 rw\n"
                            "4 1 8:3 / /srvdisk rw - xfs /dev/sda3 rw\n"
                            "5 1 0:60 / /home/me/.doc rw - fuse.portal portal rw\n"
                            "6 1 8:4 / /home/me rw - ext4 /dev/sda4 rw\n",
                            all));
    std::string hanging;
    for (auto const& m : all)
        if (may_hang(all, m))
            hanging.append(m.mountpoint) += ' ';
    CHECK(hanging == "/srv /srv/disk /home/me/.doc ");
    // Without a disk of its own the whole machine is behind its server.
    REQUIRE(
        parse_mountinfo("1 0 0:20 / / rw - nfs s:/root rw\n2 1 8:1 / /d rw - ext4 a rw\n", all));
    CHECK(may_hang(all, all[1]));
}

TEST_CASE("places of no interest") {
    struct row {
        std::string_view mountpoint;
        bool hidden;
    };
    auto const r = GENERATE(values<row>({
        {"/", false},
        {"/proc", true},
        {"/proc/sys/fs", true},
        {"/processes", false},
        {"/sys/x", true},
        {"/dev/shm", true},
        {"/devices", false},
        {"/run", true},
        {"/run/user/0", true},
        {"/run/media/me/stick", false},
        {"/running", false},
        {"/var/lib/docker", false}, // a disk of its own for the engine
        {"/var/lib/docker/overlay2/x/merged", true},
        {"/var/lib/dockerish/x", false},
        {"/var/lib/containers/storage/overlay", true},
        {"/var/lib/containerd/x", true},
        {"/var/lib/kubelet/pods/1/volumes/v/mount", false}, // a volume is a disk
        {"/snap/core/1", true},
        {"/home", false},
    }));
    CAPTURE(r.mountpoint);
    CHECK(is_hidden_place(r.mountpoint) == r.hidden);
}

TEST_CASE("a plain machine: kernel trees fall away, disks stay") {
    CHECK(chosen("22 27 0:21 / /proc rw - proc proc rw\n"
                 "23 27 0:22 / /sys rw - sysfs sysfs rw\n"
                 "24 27 0:6 / /dev rw - devtmpfs devtmpfs rw\n"
                 "25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n"
                 "27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
                 "28 27 254:15 / /boot/efi rw - vfat /dev/vda15 rw\n"
                 "29 27 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro\n"
                 "30 27 0:40 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw\n") == "/ | /boot/efi");
}

TEST_CASE("one device mounted in many places counts once, shortest place first") {
    CHECK(chosen("1 2 8:1 / /mnt/long rw - ext4 /dev/sda1 rw\n"
                 "2 0 8:2 / / rw - ext4 /dev/sda2 rw\n"
                 "3 2 8:1 /sub /srv rw - ext4 /dev/sda1 rw\n"
                 "4 2 8:2 /home /home rw - ext4 /dev/sda2 rw\n"
                 "5 2 8:1 / /a rw - ext4 /dev/sda1 rw\n") == "/a /srv /mnt/long | / /home");
}

TEST_CASE("btrfs counts once for each source, other devices of no number do not mix") {
    CHECK(chosen("1 0 0:25 /@ / rw - btrfs /dev/nvme0n1p2 rw,subvolid=256\n"
                 "2 1 0:26 /@home /home rw - btrfs /dev/nvme0n1p2 rw,subvolid=257\n"
                 "3 1 0:27 / /data rw - btrfs /dev/sdb rw\n"
                 "4 1 0:27 /x /data/x rw - btrfs /dev/sdb rw\n") == "/ /home | /data /data/x");
}

TEST_CASE("ZFS counts once for each pool") {
    CHECK(chosen("1 0 0:30 / / rw - zfs rpool/ROOT/debian rw\n"
                 "2 1 0:31 / /home rw - zfs rpool/home rw\n"
                 "3 1 0:32 / /tank rw - zfs tank rw\n"
                 "4 1 0:33 / /tank/media rw - zfs tank/media rw\n"
                 "5 1 0:34 / /rpool2 rw - zfs rpool2 rw\n") ==
          "/ /home | /tank /tank/media | /rpool2");
}

TEST_CASE("of mounts on one place the last is seen, and one above hides those below") {
    CHECK(chosen("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                 "2 1 8:2 / /data rw - ext4 /dev/sda2 rw\n"
                 "3 2 8:3 / /data rw - xfs /dev/sda3 rw\n") == "/ | /data");
    // A tmpfs over a disk hides it too.
    CHECK(chosen("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                 "2 1 8:2 / /data rw - ext4 /dev/sda2 rw\n"
                 "3 2 0:50 / /data rw - tmpfs tmpfs rw\n") == "/");
    // Mounted over the directory above.
    CHECK(chosen("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                 "2 1 8:2 / /mnt/a rw - ext4 /dev/sda2 rw\n"
                 "3 1 8:3 / /mnt rw - ext4 /dev/sda3 rw\n") == "/ | /mnt");
    // The root may come late in the file; it hides nothing that hangs on it.
    CHECK(chosen("2 9 8:2 / /data rw - ext4 /dev/sda2 rw\n"
                 "3 2 8:3 / /data/in rw - ext4 /dev/sda3 rw\n"
                 "9 1 8:1 / / rw - ext4 /dev/sda1 rw\n") == "/data | /data/in | /");
    // In a changed root parents are missing: nothing is taken for hidden.
    CHECK(chosen("2 77 8:2 / /mnt/a rw - ext4 /dev/sda2 rw\n"
                 "3 78 8:3 / /mnt rw - ext4 /dev/sda3 rw\n") == "/mnt/a | /mnt");
    CHECK(chosen("2 77 8:2 / /mnt rw - ext4 /dev/sda2 rw\n"
                 "3 78 8:3 / /mnt rw - ext4 /dev/sda3 rw\n") == "/mnt");
    // Parents in a ring are nonsense, and no reason to stay in it.
    CHECK(chosen("2 3 8:2 / /d/x rw - ext4 a rw\n3 2 8:3 / /e rw - ext4 b rw\n"
                 "7 7 8:4 / /d rw - ext4 c rw\n") == "/e | /d");
}

TEST_CASE("network filesystems come in only when asked for") {
    constexpr std::string_view text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                                      "2 1 0:50 / /nfs rw - nfs4 server:/x rw\n"
                                      "3 1 0:51 / /gluster rw - fuse.glusterfs g:/v rw\n"
                                      "4 1 0:52 / /ssh rw - fuse.sshfs me@there: rw\n"
                                      "5 1 0:53 / /merged rw - fuse.mergerfs a:b rw\n"
                                      "6 1 8:5 / /win rw - fuseblk /dev/sda5 rw\n";
    CHECK(chosen(text) == "/ | /win");
    CHECK(chosen(text, true) == "/ | /nfs | /gluster | /ssh | /win");
}

TEST_CASE("an overlay counts only as the root, as in a container") {
    CHECK(chosen("1 0 0:90 / / rw - overlay overlay rw,lowerdir=/l\n"
                 "2 1 8:1 /etc/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
                 "3 1 8:1 /vol /data/volume rw - ext4 /dev/sda1 rw\n"
                 "4 1 0:91 / /other rw - overlay overlay rw\n") == "/ | /etc/hosts /data/volume");
}

TEST_CASE("space as df counts it") {
    struct row {
        char const* what;
        fs_space in;
        std::optional<space_use> out;
    };
    auto const use = [](std::uint64_t size, std::uint64_t avail, double pct,
                        std::optional<double> inodes = {}) {
        return std::optional(space_use{size, avail, pct, inodes});
    };
    auto const r = GENERATE_COPY(values<row>({
        {"nothing kept", {4096, 1000, 400, 400, 100, 75, false}, use(4096000, 1638400, 60, 25)},
        {"root keeps a part",
         {4096, 1000, 400, 350, 0, 0, false},
         use(4096000, 1433600, 100 * 600 / 950.0)},
        {"full for users", {4096, 1000, 50, 0, 10, 0, false}, use(4096000, 0, 100, 100)},
        {"more available than free", {4096, 1000, 100, 120, 0, 0, false}, use(4096000, 409600, 90)},
        {"more free than there is",
         {4096, 1000, 2000, 2000, 0, 0, false},
         use(4096000, 4096000, 0)},
        {"more inodes free than there are", {512, 10, 5, 5, 7, 9, false}, use(5120, 2560, 50, 0)},
        {"available below zero, read unsigned",
         {4096, 1000, 10, UINT64_MAX - 5, 0, 0, false},
         use(4096000, 40960, 99)},
        {"larger than 64 bits of bytes",
         {1 << 20, UINT64_MAX / 2, 0, 0, 0, 0, false},
         use(UINT64_MAX, 0, 100)},
        {"no blocks", {4096, 0, 0, 0, 5, 5, false}, std::nullopt},
        {"no fragment size", {0, 1000, 10, 10, 0, 0, false}, std::nullopt},
        {"all of it kept for root", {4096, 1000, 1000, 0, 0, 0, false}, std::nullopt},
    }));
    CAPTURE(r.what);
    auto const got = space_of(r.in);
    REQUIRE(got.has_value() == r.out.has_value());
    if (!got)
        return;
    CHECK(got->size == r.out->size);
    CHECK(got->available == r.out->available);
    CHECK(got->pct == Approx(r.out->pct));
    REQUIRE(got->inode_pct.has_value() == r.out->inode_pct.has_value());
    if (got->inode_pct)
        CHECK(*got->inode_pct == Approx(*r.out->inode_pct));
}
