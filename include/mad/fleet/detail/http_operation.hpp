// First of all: without separate compilation its bodies need what is below, and include it.
#include <mad/fleet/http_api.hpp>

#ifndef MAD_FLEET_DETAIL_HTTP_OPERATION_HPP
#define MAD_FLEET_DETAIL_HTTP_OPERATION_HPP

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::fleet::detail {

struct http_operation;

/// A request that may be answered, on the home shard.
struct http_task {
    http_operation const* what = nullptr;
    std::string id; ///< from the path, decoded
    std::vector<std::pair<std::string, std::string>> parameters;
    std::string body;
    std::string known; ///< `If-None-Match`
    http_caller caller;
    bool csv = false;  ///< wanted instead of JSON
    bool safe = false; ///< GET or HEAD

    fleet_view* view = nullptr;
    http_api_settings const* settings = nullptr;
    std::string const* document = nullptr;

    /// Null when it is not there.
    std::string const* parameter(std::string_view name) const {
        for (auto const& [key, value] : parameters)
            if (key == name)
                return &value;
        return nullptr;
    }
};

using http_reply = std::function<void(net::http::response)>;

struct http_parameter {
    std::string_view name;
    std::string_view schema; ///< JSON
    std::string_view description;
};

/// One operation: dispatched by this, described by this.
struct http_operation {
    std::string_view method; ///< in capitals; GET answers HEAD too
    std::string_view path;   ///< behind the prefix; one segment may be `{…}`
    std::string_view id;     ///< `operationId`
    std::string_view summary;
    http_role least;

    std::span<http_parameter const> parameters; ///< of the query
    std::string_view body;                      ///< name of a schema; empty: takes none
    int status;                                 ///< when it succeeds
    std::string_view answer;                    ///< name of a schema; empty: no content
    bool csv;                                   ///< as CSV too
    bool conflicts;                             ///< 409 may come
    bool may_fail;                              ///< 503 may come

    /// One of both.
    net::http::response (*now)(http_task const&);
    void (*later)(http_task const&, http_reply);

    bool has_id() const { return path.find('{') != path.npos; }
    bool is_get() const { return method == "GET"; }
};

/// All of them.
std::span<http_operation const> http_operations();

/// The operation, or why there is none: `allow` has the methods of a path that is known.
http_operation const* find_operation(std::string_view method, std::string_view path,
                                     std::string& id, std::string& allow);

/// `application/json` and so on, of the answer when all went well.
std::string_view type_of(http_operation const&, bool csv);

/// The OpenAPI 3.1 document of all operations.
std::string openapi_document(http_api_settings const&);

// Answers.

/// Example: `not_found`
std::string_view error_code_of(int status);
net::http::response http_error(int status, std::string_view message);
net::http::response outcome_answer(change_outcome, std::string_view what);

/// Whether `If-None-Match` names that tag (or any).
bool knows_tag(std::string_view if_none_match, std::string_view tag);
/// A strong entity tag of these bytes, with its quotes.
std::string tag_of(std::string_view bytes);

/// Which of the types offered an `Accept` field likes best; the first of those liked equally.
/// Nothing: it takes none of them.
std::optional<std::size_t> choose_type(std::string_view accept,
                                       std::span<std::string_view const> offered);

/// What a caller may see: nothing when the search is none, which hides all.
std::function<bool(host const&)> sight_of(http_caller const&);

// The operations.

net::http::response answer_clients(http_task const&);
net::http::response answer_client(http_task const&);
void answer_history(http_task const&, http_reply);
net::http::response forget_client(http_task const&);
net::http::response answer_summary(http_task const&);
net::http::response answer_states(http_task const&);
net::http::response answer_metrics(http_task const&);
net::http::response answer_rules(http_task const&);
net::http::response put_rule(http_task const&);
net::http::response delete_rule(http_task const&);
net::http::response answer_mutes(http_task const&);
net::http::response post_mute(http_task const&);
net::http::response delete_mute(http_task const&);
net::http::response post_link(http_task const&);
net::http::response answer_session(http_task const&);
net::http::response answer_document(http_task const&);

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
