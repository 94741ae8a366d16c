#ifndef MAD_FLEET_IMPL_HTTP_API_IPP
#define MAD_FLEET_IMPL_HTTP_API_IPP

#include <mad/engine/detail/hop.hpp>
#include <mad/fleet/detail/http_operation.hpp>
#include <mad/fleet/detail/http_parameters.hpp>
#include <mad/fleet/http_api.hpp>
#include <mad/net/shard.hpp>

#include <array>
#include <charconv>

namespace mad::inline MAD_ABI::fleet {

/// What the route is made of; requests that wait for their answers keep it.
class http_api::core : public std::enable_shared_from_this<core> {
  public:
    core(net::shard& home, std::shared_ptr<fleet_view> view, http_api_settings s)
        : home_(home)
        , view_(std::move(view))
        , settings_(std::move(s)) {
        if (settings_.cors.enabled() && settings_.cors.exposed_headers.empty())
            settings_.cors.exposed_headers = "ETag, Link, Location";
        document_ = detail::openapi_document(settings_);
        for (auto const& o : detail::http_operations()) {
            auto& all = judges_.emplace_back();
            for (auto const& p : o.parameters)
                all.emplace_back(p);
        }
    }

    /// Judges what the head says; either answers, or gives the operation and what is known so far.
    detail::http_operation const* judge(net::http::request const&, net::http::exchange&,
                                        detail::http_task& out) const;

    /// Carries the request to the home shard and its answer back.
    void carry(net::shard&, net::http::request const&, net::http::exchange, detail::http_task);

    std::size_t max_body() const { return settings_.max_body; }
    std::string const& document() const { return document_; }

    void refuse(net::http::request const& r, net::http::exchange& x, int status,
                std::string_view message, std::string_view allow = {}) const {
        auto no = detail::http_error(status, message);
        if (!allow.empty())
            no.set("Allow", allow);
        refuse(r, x, std::move(no));
    }
    void refuse(net::http::request const& r, net::http::exchange& x, net::http::response no) const {
        if (no.fields.find("Cache-Control:") == no.fields.npos)
            no.set("Cache-Control", "no-store");
        no.set("X-Content-Type-Options", "nosniff");
        no.fields += engine::cors_fields(settings_.cors, r);
        x.respond(std::move(no));
    }

  private:
    void run(detail::http_task const&, detail::http_reply) const;
    static void finish(detail::http_operation const&, bool csv, bool safe, std::string const& known,
                       net::http::response&);

    net::shard& home_;
    std::shared_ptr<fleet_view> view_;
    http_api_settings settings_;
    std::string document_;
    std::vector<std::vector<detail::parameter_judge>> judges_;

    /// By shard, each used by its own alone.
    std::array<engine::detail::hop_table, 256> waiting_;
};

MAD_DECL detail::http_operation const* http_api::core::judge(net::http::request const& r,
                                                             net::http::exchange& x,
                                                             detail::http_task& out) const {
    std::string allow;
    auto const path = r.path.substr(prefix.size());
    auto const* const o = detail::find_operation(r.method, path, out.id, allow);
    if (r.method == "OPTIONS" && !allow.empty()) {
        auto yes = settings_.cors.enabled() ? engine::preflight_answer(settings_.cors, r)
                                            : net::http::response{};
        yes.status = 204;
        yes.set("Allow", allow);
        x.respond(std::move(yes));
        return nullptr;
    }
    if (!o && allow.empty())
        return refuse(r, x, 404, "there is nothing here: see /api/v1/openapi.json"), nullptr;
    if (!o)
        return refuse(r, x, 405, "this cannot be done here", allow), nullptr;
    out.what = o;
    out.safe = o->is_get();

    if (settings_.admit && o->least != http_role::nobody) {
        auto judged = settings_.admit(r, o->least);
        if (judged.refusal)
            return refuse(r, x, std::move(*judged.refusal)), nullptr;
        if (judged.caller.role < o->least)
            return refuse(r, x, 403, "your token does not allow this"), nullptr;
        out.caller = std::move(judged.caller);
    } else {
        out.caller.role = http_role::admin;
        out.caller.anonymous = true;
    }
    // What changes something must not come from a page of somebody else, whose browser may be on
    // this machine or send what lets it in.
    if (!out.safe &&
        !engine::origin_allowed(settings_.cors, r.header("Origin"), r.header("Host"), r.secure))
        return refuse(r, x, 403, "pages of this origin may not change anything"), nullptr;

    auto const at = static_cast<std::size_t>(o - detail::http_operations().data());
    if (auto const why = detail::read_parameters(judges_[at], r.query, out); !why.empty())
        return refuse(r, x, 400, why), nullptr;
    std::array<std::string_view, 2> const offered{detail::type_of(*o, false),
                                                  detail::type_of(*o, true)};
    auto const type = detail::choose_type(r.header("Accept"), {offered.data(), o->csv ? 2u : 1u});
    if (auto const* const format = o->csv ? out.parameter("format") : nullptr)
        out.csv = *format == "csv";
    else if (!type)
        return refuse(r, x, 406,
                      "this comes as " + std::string(offered[0]) +
                          (o->csv ? " and " + std::string(offered[1]) : "")),
               nullptr;
    else
        out.csv = *type == 1;
    out.known = r.header("If-None-Match");

    if (!o->body.empty()) {
        auto const sent = r.header("Content-Type");
        if (!net::http::iequals(net::http::trim(sent.substr(0, sent.find(';'))),
                                "application/json"))
            return refuse(r, x, 415, "send JSON: Content-Type: application/json"), nullptr;
        auto const length = r.header("Content-Length");
        std::uint64_t n = 0;
        std::from_chars(length.data(), length.data() + length.size(), n);
        if (n > settings_.max_body)
            return refuse(r, x, 413,
                          "a body has at most " + std::to_string(settings_.max_body) + " bytes"),
                   nullptr;
    }
    return o;
}

MAD_DECL void http_api::core::carry(net::shard& origin, net::http::request const& r,
                                    net::http::exchange x, detail::http_task task) {
    auto& table = waiting_[origin.index()];
    auto const number = table.add(std::move(x));
    auto const t = std::make_shared<detail::http_task>(std::move(task));
    t->body = r.body;
    auto const fields = engine::cors_fields(settings_.cors, r);
    home_.dispatch([self = shared_from_this(), t, &origin, number, fields] {
        t->view = self->view_.get();
        t->settings = &self->settings_;
        t->document = &self->document_;
        self->run(*t, [self, t, &origin, number, fields](net::http::response answer) {
            finish(*t->what, t->csv, t->safe, t->known, answer);
            answer.fields += fields;
            // A long body crosses, and is queued, as one block.
            if (answer.body.size() > 4'096) {
                answer.shared_body = net::wire_block::raw(answer.body);
                answer.body = {};
            }
            auto const a = std::make_shared<net::http::response>(std::move(answer));
            origin.dispatch([self, &origin, number, a] {
                if (auto back = self->waiting_[origin.index()].take(number))
                    back.respond(std::move(*a));
            });
        });
    });
}

MAD_DECL void http_api::core::run(detail::http_task const& t, detail::http_reply reply) const {
    if (t.what->later)
        return t.what->later(t, std::move(reply));
    reply(t.what->now(t));
}

MAD_DECL void http_api::core::finish(detail::http_operation const& o, bool csv, bool safe,
                                     std::string const& known, net::http::response& r) {
    r.set("X-Content-Type-Options", "nosniff");
    bool const good = r.status == 200;
    if (good) {
        r.status = o.status;
        r.set("Content-Type", detail::type_of(o, csv));
    }
    if (good && o.status == 201 && o.path == "mutes") {
        auto const from = r.body.find("\"id\":\"") + 6;
        r.set("Location", "/api/v1/mutes/" + r.body.substr(from, r.body.find('"', from) - from));
    }
    if (o.csv)
        r.set("Vary", "Accept");
    // Of a session nothing is kept: it may end at any time.
    bool const kept = good && safe && o.id != "getSession";
    r.set("Cache-Control", !kept                          ? "no-store"
                           : o.least == http_role::nobody ? "no-cache"
                                                          : "private, no-cache");
    if (!kept)
        return;
    auto const tag = detail::tag_of(r.body);
    r.set("ETag", tag);
    if (detail::knows_tag(known, tag)) {
        r.status = 304;
        r.body.clear();
    }
}

MAD_DECL http_api::http_api(net::shard& home, std::shared_ptr<fleet_view> view, http_api_settings s)
    : core_(std::make_shared<core>(home, std::move(view), std::move(s))) {}

MAD_DECL http_api::~http_api() = default;

MAD_DECL std::string const& http_api::document() const {
    return core_->document();
}

// What has no body is answered from its head: a body that comes with it all the same is read over,
// and is never a reason to refuse it. The rest is judged by its head first, so that nobody uploads
// what is not wanted.
MAD_DECL void http_api::on_head(net::shard& s, net::http::request const& r, net::http::exchange& x,
                                std::size_t& max_body) {
    detail::http_task task;
    auto const* const o = core_->judge(r, x, task);
    if (!o)
        return;
    if (o->body.empty())
        return core_->carry(s, r, std::move(x), std::move(task));
    max_body = core_->max_body();
}

MAD_DECL void http_api::on_request(net::shard& s, net::http::request const& r,
                                   net::http::exchange x) {
    detail::http_task task;
    if (core_->judge(r, x, task)) // the same again: its token may have been withdrawn meanwhile
        core_->carry(s, r, std::move(x), std::move(task));
}

} // namespace mad::inline MAD_ABI::fleet

#endif
