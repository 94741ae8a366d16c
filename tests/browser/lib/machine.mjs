// This machine's health, read from /proc beside the agent and on its own terms.

import { readFileSync, statfsSync, statSync } from "node:fs";

const read = (path) => readFileSync(path, "utf8");

function meminfo() {
  const rows = read("/proc/meminfo").matchAll(/^(\w+):\s+(\d+)/gm);
  return Object.fromEntries([...rows].map(([, key, kilobytes]) => [key, Number(kilobytes)]));
}

/** Percent of memory that is not available. */
export function memoryPercent() {
  const { MemTotal, MemAvailable } = meminfo();
  return (100 * (MemTotal - MemAvailable)) / MemTotal;
}

/** Load averages over 1, 5 and 15 minutes. */
export function loadAverages() {
  return read("/proc/loadavg").split(" ").slice(0, 3).map(Number);
}

/** Ticks of all processors so far: busy and in all. */
export function cpuTicks() {
  const columns = read("/proc/stat").split("\n")[0].trim().split(/\s+/).slice(1, 9).map(Number);
  const total = columns.reduce((sum, ticks) => sum + ticks, 0);
  return { busy: total - columns[3] - columns[4], total };
}

const diskTypes = /^(ext[234]|xfs|btrfs|zfs|f2fs|jfs|reiserfs|bcachefs|vfat|exfat|ntfs3?|fuseblk)$/;
const hiddenPlaces = /^\/(proc|sys|dev|run|snap|var\/lib\/(docker|containers|containerd))(\/|$)/;

function mounts() {
  const octal = (text) =>
    text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
  return read("/proc/self/mountinfo")
    .trim()
    .split("\n")
    .map((line) => {
      const [before, after] = line.split(" - ");
      return { place: octal(before.split(" ")[4]), type: after.split(" ")[0] };
    });
}

function usedPercent(place) {
  const { blocks, bfree, bavail } = statfsSync(place);
  return (100 * (blocks - bfree)) / (blocks - bfree + bavail);
}

/** Percent used of the fullest local file system; of `/` when there is none of a known type. */
export function storagePercent() {
  const used = mounts()
    .filter(({ place, type }) => diskTypes.test(type) && !hiddenPlaces.test(place))
    .filter(({ place }) => statSync(place).isDirectory())
    .map(({ place }) => usedPercent(place))
    .filter(Number.isFinite);
  return used.length > 0 ? Math.max(...used) : usedPercent("/");
}
