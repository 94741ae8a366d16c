// Values that a peer may send.

const deep = (levels) => (levels === 0 ? "bottom" : { d: [deep(levels - 1)] });

/** Values that JSON has: [name, value]. */
export const values = [
  ["zero", 0],
  ["minus one", -1],
  ["a fraction", 1.5],
  ["a small fraction", 5e-324],
  ["the largest exact integer", Number.MAX_SAFE_INTEGER],
  ["the smallest exact integer", Number.MIN_SAFE_INTEGER],
  ["2^32", 2 ** 32],
  ["1e21", 1e21],
  ["the largest number", Number.MAX_VALUE],
  ["a third", 1 / 3],
  ["null", null],
  ["true", true],
  ["false", false],
  ["an empty string", ""],
  ["a string", "hello"],
  ["digits as a string", "00123"],
  ["quotes and backslashes", '"\\"\\\\n"'],
  ["every ASCII control character", String.fromCharCode(...Array(32).keys(), 127)],
  ["the record separator", "a\x1eb\x1e"],
  ["accents", "àéîõü ÀÉÎÕÜ ß"],
  ["the euro sign", "€"],
  ["astral text", "😀𝄞👩‍👩‍👧‍👦🇪🇺"],
  ["a family of scripts", "日本語 עברית العربية हिन्दी"],
  ["line separators", "\u2028\u2029"],
  ["a byte order mark", "\ufeffx"],
  ["noncharacters", "\ufffe\uffff"],
  ["text like a packet", '42["x"]'],
  ["text like base64", "bAQIDBA=="],
  ["text like HTML", "<script>&amp;</script>"],
  ["an empty array", []],
  ["an empty object", {}],
  ["an array", [1, "two", [3, [4]], null]],
  ["an object", { a: 1, b: { c: [true, null] } }],
  ["empty and odd keys", { "": 1, " ": 2, "ключ": 3, "😀": 4, "a.b[0]": 5 }],
  ["keys like numbers", { 3: [true], 1: "x" }],
  ["a key named __proto__", JSON.parse('{"__proto__":{"x":1},"constructor":2}')],
  ["something that looks like a placeholder", { _placeholder: true, num: 0 }],
  ["something that looks like a buffer", { type: "Buffer", data: [1, 2] }],
  ["25 levels", deep(25)],
  ["a thousand numbers", Array.from({ length: 1000 }, (_, i) => i)],
  ["a thousand keys", Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, i]))],
  ["50 kB of text", "0123456789".repeat(5000)],
  ["50 kB of astral text", "😀".repeat(12_500)],
];

const bytes = (...list) => Buffer.from(list);

/** Values with bytes in them: [name, value]. */
export const binaries = [
  ["bytes", bytes(1, 2, 3)],
  ["no bytes", bytes()],
  ["all bytes", bytes(...Array(256).keys())],
  ["bytes that are text", Buffer.from("4hello")],
  ["bytes in an array", [1, bytes(2), "three"]],
  ["bytes in an object", { a: bytes(1), b: { c: [bytes(2, 3)] }, d: "x" }],
  ["ten buffers", Array.from({ length: 10 }, (_, i) => bytes(i))],
  ["bytes beside a placeholder's looks", [bytes(1), { _placeholder: false, num: 0 }]],
  ["300 kB of bytes", Buffer.alloc(300_000, 0xa5)],
];

/** Values that only JavaScript has, and what comes back: [name, value, back, needs]. */
export const foreign = [
  ["minus zero", -0, 0],
  ["not a number", NaN, null],
  ["infinity", Infinity, null],
  ["undefined", undefined, null],
  ["an undefined member", { a: undefined, b: 1 }, { b: 1 }],
  ["a hole in an array", [1, undefined, 3], [1, null, 3]],
  ["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
  ["an array buffer", new Uint8Array([4, 5]).buffer, bytes(4, 5)],
  ["a typed array", new Uint8Array([1, 2, 3]), bytes(1, 2, 3), "views"],
];
