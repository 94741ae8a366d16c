// Broadcasts and rooms.

import assert from "node:assert/strict";
import { until } from "../lib/wait.mjs";
import { connected, count, own } from "./common.mjs";

export const rooms = {
  "a broadcast reaches all of the namespace": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join()];
    const other = await peers.join("/custom");
    one.emit("bcast", tag, { x: 1 }, Buffer.from([1]));
    for (const peer of [one, two]) {
      assert.deepEqual(await own(peer, "bcast-out", tag), [{ x: 1 }, Buffer.from([1])]);
    }
    await connected(other);
    assert.ok(!other.rest("bcast-out").some(([first]) => first === tag));
  },

  "a broadcast to the others spares the sender": async (peers, tag) => {
    const [one, two, three] = [await peers.join(), await peers.join(), await peers.join()];
    one.emit("bcast-others", tag);
    for (const peer of [two, three]) await own(peer, "others-out", tag);
    await connected(one);
    assert.ok(!one.rest("others-out").some(([first]) => first === tag));
  },

  "a room gets what is sent to it, once": async (peers, tag) => {
    const [one, two, three] = [await peers.join(), await peers.join(), await peers.join()];
    await Promise.all([one, two].map((peer) => peer.ask("join", tag)));
    await one.ask("join", tag); // twice is once
    three.emit("room-emit", tag, tag, 1);
    for (const peer of [one, two]) assert.deepEqual(await own(peer, "room-out", tag), [1]);
    for (const peer of [one, two, three]) {
      await connected(peer);
      assert.deepEqual(peer.rest("room-out"), []);
    }
  },

  "who left a room gets nothing more": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join()];
    await Promise.all([one, two].map((peer) => peer.ask("join", tag)));
    await two.ask("leave", tag);
    await two.ask("leave", `${tag} never joined`);
    one.emit("room-emit", tag, tag);
    await own(one, "room-out", tag);
    await connected(two);
    assert.deepEqual(two.rest("room-out"), []);
  },

  "rooms of one name in two namespaces are two": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join("/custom")];
    await Promise.all([one, two].map((peer) => peer.ask("join", tag)));
    one.emit("room-emit", tag, tag);
    await own(one, "room-out", tag);
    await connected(two);
    assert.deepEqual(two.rest("room-out"), []);
  },

  "everybody is in the room of the own id": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join()];
    one.emit("room-emit", two.id, tag, "private");
    assert.deepEqual(await own(two, "room-out", tag), ["private"]);
    await connected(one);
    assert.deepEqual(one.rest("room-out"), []);
  },

  "an empty room is nobody": async (peers, tag) => {
    const peer = await peers.join();
    peer.emit("room-emit", `${tag} empty`, tag);
    await connected(peer);
    assert.deepEqual(peer.rest("room-out"), []);
  },

  "broadcasts keep their order": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join()];
    for (const peer of [one, two]) await peer.ask("join", tag);
    for (let i = 0; i < 100; i++) one.emit("room-emit", tag, i);
    for (const peer of [one, two]) {
      assert.deepEqual(await peer.collect("room-out", 100), count(100));
    }
  },

  "who is gone is in no room": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join()];
    await Promise.all([one, two].map((peer) => peer.ask("join", tag)));
    const session = two.engineId;
    two.leave();
    // It travels by itself: it has been read once the server no longer knows the session.
    const query = `EIO=${peers.revision}&transport=polling&sid=${session}`;
    await until(async () => {
      const answer = await fetch(`${peers.server.url}/socket.io/?${query}`);
      return (await answer.text()).includes(`"code":1`);
    }, "the leave has been read");
    one.emit("room-emit", tag, tag);
    await own(one, "room-out", tag);
    assert.deepEqual(two.rest("room-out"), []);
  },
};
