import { stateNames } from "../model/host";
import { safeText } from "../model/safe";
import { text } from "../text";

/** What a group is called: what its hosts have in common, or that they lack it. */
export function groupName(by: string, key: string): string {
  if (by === "state") {
    const state = stateNames.find((name) => name === key);
    return state === undefined ? key : text.state[state];
  }
  if (key !== "") return safeText(key);
  return by === "region" ? text.noRegion : text.noTag(safeText(by.slice("tag:".length)));
}
