import { expect, it } from "vitest";
import { csvOf } from "../../src/model/csv";
import { Fleet, readOrder } from "../../src/model/fleet";
import { cols, oldRecord, row } from "../support";

it("hosts as CSV keep their order, quote what needs it and hold back formulas", () => {
  const fleet = new Fleet();
  const rows = [
    row("b", { tags: ["a,b", 'x"y'], flags: 2, state: "crit", rule: "cpu" }),
    row("=cmd()", { cpu: null }),
  ];
  fleet.putRows(readOrder(cols) ?? new Map<string, number>(), rows, 0);
  fleet.update(oldRecord("old"), 0);
  const slots = ["old", "b", "=cmd()"].map((id) => fleet.find(id) ?? -1);
  expect(csvOf(fleet, slots).split("\r\n")).toEqual([
    "id,name,state,flags,region,tags,storage,network,cpu,mem,load,psi,up,rule",
    "old,,ok,,,,61,7.25,,,,,,",
    'b,b.example,crit,muted,eu,"a,b x""y",37.4,1.844,12.3,25.8,0.42,0.4,3600,cpu',
    "'=cmd(),=cmd().example,ok,,eu,prod,37.4,1.844,,25.8,0.42,0.4,3600,".replace(",=cmd", ",'=cmd"),
    "",
  ]);
});
