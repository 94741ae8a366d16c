#ifndef MAD_TESTS_UNIT_FLEET_HTTP_API_WORLD_HPP
#define MAD_TESTS_UNIT_FLEET_HTTP_API_WORLD_HPP

#include <mad/core/json.hpp>
#include <mad/fleet/http_api.hpp>
#include <mad/net/http/exchange.hpp>
#include <mad/net/shard.hpp>

#include <support/fake_fleet.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad_test {

using mad::json;

/// Requests to the API as a connection hands them over, without one.
class http_api_world {
  public:
    struct connection final : mad::net::http::exchange_owner {
        void respond(mad::net::http::response&& r) override { answer = std::move(r); }
        mad::net::stream take_stream(std::string&) override { return {}; }
        void abandon() override {}
        ~connection() {
            if (current_)
                current_->end(0);
        }

        std::optional<mad::net::http::response> answer;
    };

    struct reply {
        int status = 0;
        std::string fields, body;

        json value() const { return json::parse(body); }
        std::string header(std::string_view name) const {
            auto const at = fields.find(std::string(name) + ": ");
            if (at == fields.npos)
                return {};
            auto const from = at + name.size() + 2;
            return fields.substr(from, fields.find('\r', from) - from);
        }
        std::string error() const { return value().at("error").at("code"); }
        std::string message() const { return value().at("error").at("message"); }
    };

    explicit http_api_world(mad::fleet::http_api_settings s = {}) {
        api = std::make_unique<mad::fleet::http_api>(home(), fleet, std::move(s));
    }

    mad::net::shard& home() { return mad::net::shard::of(context); }

    using fields = std::vector<std::pair<std::string_view, std::string_view>>;

    reply ask(std::string_view method, std::string_view target, fields const& more = {},
              std::string_view body = {}) {
        connection c;
        begin(c, method, target, more, body);
        run();
        return take(c);
    }
    reply get(std::string_view target, fields const& more = {}) { return ask("GET", target, more); }
    reply send(std::string_view method, std::string_view target, std::string_view body) {
        return ask(method, target, {{"Content-Type", "application/json"}}, body);
    }

    void begin(connection& c, std::string_view method, std::string_view target,
               fields const& more = {}, std::string_view body = {}) {
        auto const length = std::to_string(body.size());
        std::vector<mad::net::http::field> all{{"Host", "127.0.0.1:3000"}};
        for (auto const& [name, value] : more)
            all.push_back({name, value});
        if (!body.empty())
            all.push_back({"Content-Length", length});
        mad::net::http::request r;
        r.method = method;
        r.target = target;
        r.path = target.substr(0, target.find('?'));
        r.query = r.path.size() < target.size() ? target.substr(r.path.size() + 1) : "";
        r.fields = all;
        r.body = body;
        mad::net::http::exchange x(c);
        std::size_t most = 0;
        api->on_head(home(), r, x, most);
        if (!x.open())
            return;
        if (body.size() > most)
            return x.end(413);
        api->on_request(home(), r, std::move(x));
    }
    void run() {
        context.restart();
        context.poll();
    }
    static reply take(connection& c) {
        reply out;
        if (!c.answer)
            return out;
        out.status = c.answer->status;
        out.fields = c.answer->fields;
        out.body =
            c.answer->shared_body ? std::string(c.answer->shared_body.payload()) : c.answer->body;
        return out;
    }

    boost::asio::io_context context;
    std::shared_ptr<fake_fleet> fleet = std::make_shared<fake_fleet>();
    std::unique_ptr<mad::fleet::http_api> api;
};

inline std::vector<std::string> ids_of(http_api_world::reply const& r) {
    std::vector<std::string> out;
    auto const all = r.value();
    for (auto const& c : all.at("clients"))
        out.push_back(c.at("id"));
    return out;
}

} // namespace mad_test

#endif
