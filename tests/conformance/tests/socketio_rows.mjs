// The rows of socketio_protocol.test.mjs. Ids in answers are written as a star.

const hole = (num) => `{"_placeholder":true,"num":${num}}`;
const one = Buffer.from([1, 2, 3]);
const two = Buffer.from([4, 5, 6]);
const none = Buffer.alloc(0);

const invalid = (nsp) => `44${nsp},{"message":"Invalid namespace"}`;
const denied = '44/denied,{"message":"not authorized","data":{"code":"E_DENIED"}}';
const deniedPlain = '44/denied-plain,{"message":"plain refusal"}';
const hello = (nsp = "", auth = "{}") => [`40${nsp}{"sid":"*"}`, `42${nsp}["auth",${auth}]`];
const nested = '{"token":"abc","b":{"z":1,"a":[true,null,"€😀"]}}';

/** [name, [packet, answers]…]: what a fresh session may say first, each after the last answer. */
export const connects = [
  ["40 joins /", ["40", hello()]],
  ["40 with an empty object joins /", ["40{}", hello()]],
  ["the object of 40 is the handshake's auth, in its order", [`40${nested}`, hello("", nested)]],
  ["40/custom, joins it", ["40/custom,", hello("/custom,")]],
  ["40/custom without comma too", ["40/custom", hello("/custom,")]],
  ["40/custom, with an object", ['40/custom,{"t":"x"}', hello("/custom,", '{"t":"x"}')]],
  [
    "two namespaces on one session",
    ['40{"n":1}', hello("", '{"n":1}')],
    ['40/custom,{"n":2}', hello("/custom,", '{"n":2}')],
  ],
  ["an unknown namespace is refused", ["40/random", [invalid("/random")]]],
  [
    "a namespace is compared whole",
    ...["/customer", "/custom/", "/Custom"].map((nsp) => [`40${nsp},`, [invalid(nsp)]]),
  ],
  [
    "a query is part of the namespace's name",
    ["40/custom?token=abc,", [invalid("/custom?token=abc")]],
  ],
  ["a refusal carries message and data", ["40/denied,", [denied]]],
  ["a refusal without data has no data", ["40/denied-plain,", [deniedPlain]]],
  [
    "after a refusal another namespace can be joined",
    ["40/denied,", [denied]],
    ["40/random,", [invalid("/random")]],
    ["40", hello()],
  ],
  [
    "a refused namespace can be asked for again",
    ["40/denied-plain,", [deniedPlain]],
    ["40/denied-plain,", [deniedPlain]],
  ],
];

const echoed = (args) => [[`42["message",${args}]`], [`42["message-back",${args}]`]];

/** [name, packets, answers, namespace]: after which the session lives on. */
export const accepted = [
  ["an event and its arguments", ...echoed('1,"2",{"3":[true]}')],
  ["an event without arguments", ['42["message"]'], ['42["message-back"]']],
  ["numbers keep their form", ...echoed("0,1,-7,1.5,-0.25,9007199254740991,1e+21")],
  ["null, true, false and empties", ...echoed('null,true,false,"",[],{}')],
  ["keys keep their order", ...echoed('{"b":1,"a":{"z":2,"y":[{"d":3,"c":4}]}}')],
  ["text beyond ASCII", ...echoed('"é€😀","日本語","\u2028\u2029"')],
  ["escapes", ...echoed('"\\"\\\\/","\\b\\f\\n\\r\\t"')],
  ["control characters", ...echoed('"\\u0000\\u001e\\u001f"')],
  [
    "escapes that need not be",
    ['42["message","\\u00e9\\u20ac\\ud83d\\ude00\\/"]'],
    ['42["message-back","é€😀/"]'],
  ],
  ["an escaped event name", ['42["m\\u0065ssage",1]'], ['42["message-back",1]']],
  ["text that looks like JSON", ...echoed('"[1,{\\"_placeholder\\":true,\\"num\\":0}]"')],
  ["64 arguments", ...echoed(Array.from({ length: 64 }, (_, i) => i).join(","))],
  ["deep nesting", ...echoed(`${"[".repeat(60)}${"]".repeat(60)}`)],
  [
    "events of another namespace",
    ['42/custom,["message",1]'],
    ['42/custom,["message-back",1]'],
    "/custom,",
  ],
  ["an ack", ['42456["message-with-ack",1,"2",{"3":[false]}]'], ['43456[1,"2",{"3":[false]}]']],
  ["an ack with id 0", ['420["message-with-ack",1]'], ["430[1]"]],
  ["an ack without arguments", ['421["message-with-ack"]'], ["431[]"]],
  ["the largest exact id", ['429007199254740991["message-with-ack"]'], ["439007199254740991[]"]],
  ["an id with leading zeros", ['42007["message-with-ack"]'], ["437[]"]],
  [
    "an ack of another namespace",
    ['42/custom,12["message-with-ack","x"]'],
    ['43/custom,12["x"]'],
    "/custom,",
  ],
  [
    "one id may be used again",
    ['423["message-with-ack",1]', '423["message-with-ack",2]'],
    ["433[1]", "433[2]"],
  ],
  [
    "bytes among the arguments",
    [`452-["message",${hole(0)},${hole(1)}]`, one, two],
    [`452-["message-back",${hole(0)},${hole(1)}]`, one, two],
  ],
  [
    "bytes deep inside, in order",
    [`453-["message",{"a":[${hole(0)},{"b":${hole(1)}}],"c":"x"},${hole(2)}]`, one, two, none],
    [`453-["message-back",{"a":[${hole(0)},{"b":${hole(1)}}],"c":"x"},${hole(2)}]`, one, two, none],
  ],
  [
    "placeholders in another order than their bytes",
    [`452-["message",${hole(1)},${hole(0)}]`, one, two],
    [`452-["message-back",${hole(0)},${hole(1)}]`, two, one],
  ],
  [
    "one placeholder twice",
    [`451-["message",${hole(0)},${hole(0)}]`, one],
    [`452-["message-back",${hole(0)},${hole(1)}]`, one, one],
  ],
  ["bytes that nothing refers to", ['451-["message",1]', one], ['42["message-back",1]']],
  [
    "ten attachments",
    [
      `4510-["message",${Array.from({ length: 10 }, (_, i) => hole(i)).join(",")}]`,
      ...Array.from({ length: 10 }, (_, i) => Buffer.from([i])),
    ],
    [
      `4510-["message-back",${Array.from({ length: 10 }, (_, i) => hole(i)).join(",")}]`,
      ...Array.from({ length: 10 }, (_, i) => Buffer.from([i])),
    ],
  ],
  [
    "a binary ack",
    [`452-789["message-with-ack",${hole(0)},${hole(1)}]`, one, two],
    [`462-789[${hole(0)},${hole(1)}]`, one, two],
  ],
  [
    "a binary ack of another namespace",
    [`451-/custom,7["message-with-ack",${hole(0)}]`, one],
    [`461-/custom,7[${hole(0)}]`, one],
    "/custom,",
  ],
  [
    "a placeholder in a text event is only an object",
    [`42["message",${hole(0)},${hole(7)}]`],
    [`42["message-back",${hole(0)},${hole(7)}]`],
  ],
  ["bytes of a text event stay text", ...echoed('{"type":"Buffer","data":[1,2]}')],
  ["an unknown event", ['42["nobody-listens",1]'], []],
  ["an unknown event with an ack id", ['425["nobody-listens",1]'], []],
  ["a number as event name", ["42[1,2]"], []],
  ["an event named error", ['42["error","x"]'], []],
  ["an event named connection", ['42["connection"]'], []],
  ["an event named __proto__", ['42["__proto__",1]'], []],
  ["an event without payload", ["42"], []],
  ["an ack without payload", ["43"], []],
  ["an ack that nobody awaits", ['4399["x"]'], []],
  ["an ack without id", ['43["x"]'], []],
  ["an empty burst", ['42["burst",0]'], []],
  ["a burst", ['42["burst",3]'], [0, 1, 2].map((i) => `42["burst-back",${i}]`)],
  ["a text of wanted length", ['42["big",5]'], ['42["big-back","xxxxx"]']],
];

/** [name, packets, namespaces joined before]: after which the session is over. */
export const ending = [
  ["an event before any CONNECT", ['42["message",1]'], []],
  ["a DISCONNECT before any CONNECT", ["41"], []],
  ["an ACK before any CONNECT", ['431["x"]'], []],
  ["a CONNECT_ERROR before any CONNECT", ['44{"message":"x"}'], []],
  ["bytes before any CONNECT", [one], []],
  ["a packet of no known form before CONNECT", ["4abc"], []],
  ["CONNECT with an array", ["40[]"], []],
  ["CONNECT with a string", ['40"x"'], []],
  ["CONNECT with null", ["40null"], []],
  ["CONNECT with half an object", ['40{"a":'], []],
  ["a second CONNECT", ["40"]],
  ["a second CONNECT of another namespace", ["40/custom,"], ["", "/custom,"]],
  ["a CONNECT_ERROR", ['44{"message":"x"}']],
  ["an event of a namespace not joined", ['42/custom,["message",1]']],
  ["an ack of a namespace not joined", ['43/custom,1["x"]']],
  ["a DISCONNECT of a namespace not joined", ["41/custom,"]],
  ["a DISCONNECT with a payload", ["41{}"]],
  ["packet type 7", ["47"]],
  ["packet type 9", ['49["x"]']],
  ["an empty packet", ["4"]],
  ["letters", ["4abc"]],
  ["an object as payload", ["42{}"]],
  ["a string as payload", ['42"message"']],
  ["an empty array", ["42[]"]],
  ["null as event name", ["42[null]"]],
  ["an object as event name", ["42[{}]"]],
  ["an array as event name", ['42[["message"]]']],
  ["true as event name", ["42[true]"]],
  ["half a payload", ['42["message"']],
  ["something after the payload", ['42["message"]x']],
  ["two payloads", ['42["message"]["message"]']],
  ["JSON with a comma too much", ['42["message",]']],
  ["JSON with single quotes", ["42['message']"]],
  ["a raw control character", ['42["mess\x01age"]']],
  ["an id of letters", ['42abc["message"]']],
  ["a negative id", ['42-1["message"]']],
  ["an ack with an object", ["431{}"]],
  ["the event connect", ['42["connect"]']],
  ["the event connect_error", ['42["connect_error"]']],
  ["the event disconnect", ['42["disconnect"]']],
  ["the event disconnecting", ['42["disconnecting"]']],
  ["the event newListener", ['42["newListener"]']],
  ["the event removeListener", ['42["removeListener"]']],
  ["a reserved event, escaped", ['42["disc\\u006fnnect"]']],
  ["a reserved event with bytes", [`451-["disconnect",${hole(0)}]`, one]],
  ["a binary event without count", ['45["message"]']],
  ["a binary event with count 0", ['450-["message"]']],
  ["a binary event with a negative count", ['45-1-["message"]']],
  ["a binary event with letters as count", ['45x-["message"]']],
  ["a binary event with count 11", ['4511-["message"]']],
  ["a binary event with a huge count", ['4599999999999999999999-["message"]']],
  ["a text packet where bytes are due", [`451-["message",${hole(0)}]`, '42["message"]']],
  [
    "a packet of another namespace where bytes are due",
    [`451-["message",${hole(0)}]`, '42/custom,["message"]'],
    ["", "/custom,"],
  ],
  ["bytes that are not due", [one]],
  ["more bytes than announced", [`451-["nobody-listens",${hole(0)}]`, one, two]],
  ["a placeholder out of range", [`451-["message",${hole(1)}]`, one]],
  ["a negative placeholder", [`451-["message",${hole(-1)}]`, one]],
  ["a placeholder that is a string", [`451-["message",${hole('"0"')}]`, one]],
  ["a placeholder that is null", [`451-["message",${hole("null")}]`, one]],
  ["a placeholder without number", ['451-["message",{"_placeholder":true}]', one]],
];

/** As above, where the reference is laxer. */
export const endingHere = [
  ["a placeholder that is a fraction", [`451-["message",${hole(0.5)}]`, one]],
  ["an ack id over 64 bits", ['4218446744073709551616["message"]']],
  ["65 arguments", [`42["message",${Array.from({ length: 65 }, (_, i) => i).join(",")}]`]],
  ["65 levels of nesting", [`42["message",${"[".repeat(64)}${"]".repeat(64)}]`]],
  ["an event name of 257 bytes", [`42["${"x".repeat(257)}"]`]],
  [
    "an object of 4097 members",
    [`42["message",{${Array.from({ length: 4097 }, (_, i) => `"k${i}":1`).join(",")}}]`],
  ],
];
