#ifndef MAD_REDIS_IMPL_ERROR_IPP
#define MAD_REDIS_IMPL_ERROR_IPP

#include <mad/core/detail/named_category.hpp>
#include <mad/redis/error.hpp>

#include <utility>

namespace mad::inline MAD_ABI::redis {

namespace detail {

inline std::string_view describe_value(int value) {
    switch (static_cast<error>(value)) {
    case error::none:
        return "no error";
    case error::bad_url:
        return "bad Redis URL";
    case error::password_unreadable:
        return "the password file cannot be read";
    case error::no_tls:
        return "TLS is asked for, and none is set up";
    case error::unsupported_protocol:
        return "RESP3 is not supported here";
    case error::closed:
        return "the client is closed";
    case error::queue_full:
        return "too many commands wait";
    case error::timeout:
        return "no answer in time";
    case error::connection_lost:
        return "the connection broke while the command was under way";
    case error::unreachable:
        return "Redis cannot be reached";
    case error::bad_reply:
        return "what came is no reply";
    case error::reply_too_large:
        return "reply too large";
    case error::no_master:
        return "no sentinel knows a master of that name";
    case error::not_master:
        return "the server is not a master";
    case error::cross_slot:
        return "the keys live in several slots";
    case error::too_many_redirects:
        return "too many redirects";
    case error::no_auth:
        return "NOAUTH: a password is needed";
    case error::wrong_password:
        return "WRONGPASS: wrong user or password";
    case error::no_permission:
        return "NOPERM: not permitted to this user";
    case error::read_only:
        return "READONLY: the server is a replica";
    case error::loading:
        return "LOADING: the server reads its data";
    case error::master_down:
        return "MASTERDOWN: the replica has no master";
    case error::cluster_down:
        return "CLUSTERDOWN: slots have no node";
    case error::out_of_memory:
        return "OOM: the server's memory is full";
    case error::misconfigured:
        return "MISCONF: the server does not take writes";
    case error::moved:
        return "MOVED: the slot lives elsewhere";
    case error::ask:
        return "ASK: the key has moved";
    case error::try_again:
        return "TRYAGAIN: the keys are moving";
    case error::no_script:
        return "NOSCRIPT: the script is not loaded";
    case error::busy:
        return "BUSY: a script is running";
    case error::exec_abort:
        return "EXECABORT: the transaction did not run";
    case error::server:
        return "the server answered with an error";
    }
    return "unknown Redis error";
}

} // namespace detail

MAD_DECL error_category const& category() {
    static mad::detail::named_category const it("mad.redis", &detail::describe_value);
    return it;
}

MAD_DECL error error_of(std::string_view text) {
    using row = std::pair<std::string_view, error>;
    static constexpr row rows[] = {
        {"NOAUTH", error::no_auth},
        {"WRONGPASS", error::wrong_password},
        {"NOPERM", error::no_permission},
        {"DENIED", error::no_permission},
        {"READONLY", error::read_only},
        {"LOADING", error::loading},
        {"MASTERDOWN", error::master_down},
        {"CLUSTERDOWN", error::cluster_down},
        {"OOM", error::out_of_memory},
        {"MISCONF", error::misconfigured},
        {"NOREPLICAS", error::misconfigured},
        {"MOVED", error::moved},
        {"ASK", error::ask},
        {"TRYAGAIN", error::try_again},
        {"NOSCRIPT", error::no_script},
        {"BUSY", error::busy},
        {"EXECABORT", error::exec_abort},
        {"CROSSSLOT", error::cross_slot},
        {"NOPROTO", error::unsupported_protocol},
    };
    auto const word = text.substr(0, text.find(' '));
    for (auto const& [name, e] : rows)
        if (word == name)
            return e;
    return error::server;
}

} // namespace mad::inline MAD_ABI::redis

#endif
