#ifndef MAD_FLEET_DETAIL_HTTP_SCHEMAS_HPP
#define MAD_FLEET_DETAIL_HTTP_SCHEMAS_HPP

#include <mad/config.hpp>

#include <string_view>

namespace mad::inline MAD_ABI::fleet::detail {

inline constexpr std::string_view id_schema = R"({"type":"string","minLength":1,"maxLength":128})";
inline constexpr std::string_view rule_name_schema =
    R"({"type":"string","pattern":"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"})";

/// The parts of the OpenAPI document that no table gives: shapes of bodies.
inline constexpr std::string_view component_texts = R"x("securitySchemes":{
 "token":{"type":"http","scheme":"bearer"}},
"headers":{
 "ETag":{"description":"For `If-None-Match`; there is none where nothing may be kept.","schema":{"type":"string"}},
 "Location":{"required":true,"description":"Where it can be deleted.","schema":{"type":"string"}}},
"schemas":{
 "Error":{"type":"object","additionalProperties":false,"required":["error"],"properties":{
  "error":{"type":"object","additionalProperties":false,"required":["code","message"],"properties":{
   "code":{"type":"string","description":"For programs: `bad_request`, `token_needed` and so on."},
   "message":{"type":"string"}}}}},
 "State":{"type":"string","enum":["ok","warn","crit","stale","offline"]},
 "Number":{"type":["number","null"]},
 "Time":{"type":"integer","description":"Milliseconds since 1970."},
 "Client":{"type":"object","description":"A row; `fields` may leave members out. What is unknown is null.","properties":{
  "id":{"type":"string"},"state":{"$ref":"#/components/schemas/State"},
  "flags":{"type":"integer","minimum":0,"maximum":7,"description":"Bits: 1 dup, 2 muted, 4 flapping."},
  "name":{"type":["string","null"]},"region":{"type":["string","null"]},
  "tags":{"type":"array","items":{"type":"string"}},
  "storage":{"$ref":"#/components/schemas/Number"},"network":{"$ref":"#/components/schemas/Number"},
  "cpu":{"$ref":"#/components/schemas/Number"},"mem":{"$ref":"#/components/schemas/Number"},
  "load":{"$ref":"#/components/schemas/Number"},"psi":{"$ref":"#/components/schemas/Number"},
  "up":{"type":["integer","null"],"description":"Seconds."},
  "seen":{"type":["integer","null"],"description":"Milliseconds since 1970, at the last sample."},
  "rule":{"type":["string","null"]},"value":{"$ref":"#/components/schemas/Number"},
  "limit":{"$ref":"#/components/schemas/Number"},
  "since":{"type":["integer","null"],"description":"Milliseconds since 1970: in this state since."},
  "v":{"type":"integer","enum":[1,2],"description":"1: an agent of the original; units are unknown."}}},
 "ClientList":{"type":"object","additionalProperties":false,"required":["clients","total","next"],"properties":{
  "clients":{"type":"array","items":{"$ref":"#/components/schemas/Client"}},
  "total":{"type":"integer","minimum":0,"description":"Hosts that match, on all pages."},
  "next":{"type":["string","null"],"description":"`cursor` of the next page."}}},
 "ClientDetail":{"allOf":[{"$ref":"#/components/schemas/Client"}],"type":"object","required":["id","state","flags","tags","v","reason","record"],"properties":{
  "reason":{"enum":["left","closed","silent","node",null],"description":"Why it is offline."},
  "record":{"type":"object","description":"What the agent sent last."}}},
 "History":{"type":"object"},
 "Tally":{"type":"object","required":["total","worst","states"],"properties":{
  "total":{"type":"integer","minimum":0},"worst":{"$ref":"#/components/schemas/State"},
  "states":{"type":"object","additionalProperties":false,"required":["ok","warn","crit","stale","offline"],"properties":{
   "ok":{"type":"integer"},"warn":{"type":"integer"},"crit":{"type":"integer"},"stale":{"type":"integer"},"offline":{"type":"integer"}}}}},
 "Summary":{"allOf":[{"$ref":"#/components/schemas/Tally"}],"type":"object","required":["flags"],"properties":{
  "flags":{"type":"object","additionalProperties":false,"required":["dup","muted","flapping"],"properties":{
   "dup":{"type":"integer"},"muted":{"type":"integer"},"flapping":{"type":"integer"}}},
  "groups":{"type":"array","maxItems":1001,"items":{"allOf":[{"$ref":"#/components/schemas/Tally"}],"required":["name"],"properties":{
   "name":{"type":["string","null"],"description":"null: hosts without one, and those past 1,000 groups."}}}}}},
 "TransitionList":{"type":"object","additionalProperties":false,"required":["states"],"properties":{
  "states":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["at","id","from","to","rule","value","limit","since","flapping"],"properties":{
   "at":{"$ref":"#/components/schemas/Time"},"id":{"type":"string"},
   "from":{"$ref":"#/components/schemas/State"},"to":{"$ref":"#/components/schemas/State"},
   "rule":{"type":["string","null"]},"value":{"$ref":"#/components/schemas/Number"},"limit":{"$ref":"#/components/schemas/Number"},
   "since":{"$ref":"#/components/schemas/Time"},"flapping":{"type":"boolean"}}}}}},
 "Search":{"type":"string","maxLength":1024,"description":"By id, name, tags, region and os."},
 "Rule":{"type":"object","additionalProperties":false,"required":["metric"],"anyOf":[{"required":["warn"]},{"required":["crit"]}],"properties":{
  "name":{"type":"string","readOnly":true},
  "metric":{"type":"string","enum":["storage","network","cpu","mem","load","psi","swap","steal","inodes","temp","load_per_cpu","psi_cpu","psi_mem","psi_io","temp_left","read_only","turned_ro","clock","uptime"]},
  "below":{"type":"boolean","default":false},
  "warn":{"type":"number","minimum":-1e15,"maximum":1e15},"crit":{"type":"number","minimum":-1e15,"maximum":1e15},
  "for":{"type":"number","minimum":0,"maximum":86400,"default":0,"description":"Seconds."},
  "clear_by":{"type":"number","minimum":0,"maximum":1e15},"own_limit":{"type":"number","minimum":0,"maximum":1e15,"description":"Of `temp` alone."},
  "match":{"$ref":"#/components/schemas/Search"},"enabled":{"type":"boolean","default":true},
  "source":{"type":"string","enum":["preset","file","override"],"readOnly":true}}},
 "RuleList":{"type":"object","additionalProperties":false,"required":["rules"],"properties":{
  "rules":{"type":"array","items":{"$ref":"#/components/schemas/Rule"}}}},
 "Mute":{"type":"object","additionalProperties":false,"anyOf":[{"required":["until"],"not":{"required":["for"]}},{"required":["for"],"not":{"required":["until"]}},{"required":["weekly"],"not":{"anyOf":[{"required":["until"]},{"required":["for"]}]}}],"properties":{
  "id":{"type":"string","readOnly":true},"active":{"type":"boolean","readOnly":true},
  "match":{"$ref":"#/components/schemas/Search"},
  "from":{"type":"integer","minimum":0,"maximum":253402300799000,"description":"Milliseconds since 1970."},
  "until":{"type":"integer","minimum":0,"maximum":253402300799000,"description":"Milliseconds since 1970."},
  "for":{"type":"number","minimum":1,"maximum":31622400,"writeOnly":true,"description":"Seconds."},
  "weekly":{"type":"array","minItems":1,"maxItems":16,"items":{"type":"string","maxLength":64},"description":"`22:00-06:00`, `sat,sun`, `mon-fri 22:00-06:00`."},
  "utc_offset":{"type":"integer","minimum":-720,"maximum":840,"default":0,"description":"Minutes that weekly times are ahead of UTC."},
  "reason":{"type":"string","maxLength":500}}},
 "MuteList":{"type":"object","additionalProperties":false,"required":["mutes"],"properties":{
  "mutes":{"type":"array","items":{"$ref":"#/components/schemas/Mute"}}}},
 "LinkWish":{"type":"object","additionalProperties":false,"required":["expires_in"],"properties":{
  "role":{"type":"string","enum":["viewer"]},
  "expires_in":{"type":"number","minimum":60,"maximum":31622400,"description":"Seconds."},
  "filter":{"type":"string","maxLength":1024,"description":"A search: shows no other hosts."}}},
 "Link":{"type":"object","additionalProperties":false,"required":["token","expires","role","filter"],"properties":{
  "token":{"type":"string"},"expires":{"$ref":"#/components/schemas/Time"},
  "role":{"type":"string","enum":["viewer"]},"filter":{"type":"string"}}},
 "Session":{"type":"object","additionalProperties":false,"required":["name","role","anonymous","expires","filter"],"properties":{
  "name":{"type":"string"},"role":{"type":"string","enum":["agent","viewer","admin"]},
  "anonymous":{"type":"boolean"},"expires":{"type":["integer","null"]},"filter":{"type":"string"}}},
 "Metrics":{"type":"string"},"Csv":{"type":"string"},"Document":{"type":"object"}})x";

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
