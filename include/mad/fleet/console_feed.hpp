#ifndef MAD_FLEET_CONSOLE_FEED_HPP
#define MAD_FLEET_CONSOLE_FEED_HPP

#include <mad/core/clock.hpp>
#include <mad/fleet/detail/recency_list.hpp>
#include <mad/fleet/host_row.hpp>
#include <mad/fleet/roster.hpp>
#include <mad/fleet/search.hpp>
#include <mad/fleet/shown_value.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// Columns of rows, by their names on the wire.
class row_format {
  public:
    /// All default columns: id, state, flags, name, region, tags, storage, network, cpu, mem, load,
    /// psi, up, seen, rule, value, limit, since, v.
    row_format();

    /// Those columns; `id` comes first if it is not among them. Besides the default ones: os, arch,
    /// kernel, agent, cpus, reason and the other names of `metric`. Nothing when one is unknown or
    /// comes twice.
    static std::optional<row_format> of(std::span<std::string const> names);

    /// `["id","state"]`
    std::string const& names() const { return names_; }

    /// Numbers that make a row worth sending, each with its dead band: 0.1 of a percent, 1 % of a
    /// rate.
    std::size_t numbers() const { return numbers_.size(); }
    void read(host const&, std::span<float> numbers) const;
    bool differ(std::span<float const> sent, std::span<float const> now) const;
    /// Of all that is sent the moment it changes.
    std::uint64_t words(host const&) const;

    /// The row as a JSON array, with these numbers instead of the host's own.
    void append(std::string& out, host const&, std::span<float const> numbers) const;

  private:
    enum class column : std::uint8_t {
        id,
        state,
        flags,
        name,
        region,
        tags,
        up,
        seen,
        rule,
        value,
        limit,
        since,
        v,
        os,
        arch,
        kernel,
        agent,
        cpus,
        reason,
        number
    };
    struct field {
        column what;
        metric number{};
    };
    static std::optional<field> field_of(std::string_view name);
    void add(field, std::string_view name);

    std::vector<field> fields_;
    std::vector<field> numbers_; ///< those with dead bands
    std::string names_;
};

/// How a packet goes to consoles.
enum class feed_way : std::uint8_t {
    delta,     ///< refused when the console has not taken enough of what was sent, see `feed_link`
    reopen,    ///< sent always; from now on deltas are taken
    chunk,     ///< sent always; deltas are refused until `reopen`
    droppable, ///< left out where a delta would be refused
    always,    ///< whatever the console refuses, and nothing else changes
};

/// A console, and how often it has said what it wants: what answers an earlier wish is void.
struct feed_console {
    std::uint64_t id = 0;
    std::uint32_t wish = 0;

    friend bool operator==(feed_console const&, feed_console const&) = default;
};

/// The way to consoles. One that has refused a delta refuses all that follow, until `reopen`. Calls
/// the feed back later, never from within a call.
class feed_link {
  public:
    /// The event with `json` as its one argument. Empty event: nothing is sent, but `reopen`
    /// counts. A console that refuses is told to `console_feed::refused` with that `before`.
    virtual void send(std::span<feed_console const> to, std::string_view event,
                      std::string_view json, feed_way, std::uint64_t before) = 0;

    /// `console_feed::ready` is to be called when the console can take more; if it cannot, nothing
    /// is: it is asked again.
    virtual void ask(feed_console) = 0;

  protected:
    ~feed_link() = default;
};

struct feed_settings {
    /// Opaque; cursors of another instance are answered with a snapshot.
    std::string instance = "0";
    std::size_t max_forms = 64;
    std::size_t max_watches = 32;   ///< of one console
    std::size_t chunk_rows = 2'000; ///< of a snapshot
    std::size_t max_gone = 5'000;   ///< hosts that are no more, kept for consoles that are behind
    /// A form nobody uses stays for those who come back with a cursor.
    milliseconds form_keep{60'000};
    /// How often a console that is behind is asked whether it can take more.
    milliseconds ask_every{250};
};

/// What consoles of version 2 see: a snapshot, then what changes, each as often as it wants.
///
/// Rows of the same columns and filter are a form, with what was last sent of each host. What a
/// console has is a number, its cursor: all rows that changed later are what it lacks, whether it
/// is on time, slow, or has come back. So work grows with what has changed and with the forms, not
/// with consoles or hosts, and a slow console costs no memory. Pure: see `feed_link` for the rest.
class console_feed {
  public:
    using find_host = std::function<host const*(std::string_view id)>;

    console_feed(feed_settings, feed_link&, find_host);
    ~console_feed();
    console_feed(console_feed const&) = delete;
    console_feed& operator=(console_feed const&) = delete;

    // Of `roster_watch`. Hosts stay where they are until they are removed.
    void changed(host const&, bool sample);
    void turned(host const&, transition const&);
    void removed(std::string_view id, std::uint32_t index);

    /// A console says what it wants, perhaps again: the argument of `web_connected`,
    /// `{"v":2,"hz":4,"fields":[...],"filter":"...","cursor":"..."}`. Gives the acknowledgement:
    /// `{"v":2,"hz":4}`, with an `error` when a wish is wrong; its default is used then.
    /// `within`: a search that all it sees must match; when that is none, it sees nothing.
    std::string connect(std::uint64_t console, std::string_view request, std::string_view within,
                        time_point now);
    void leave(std::uint64_t console, time_point now);

    enum class watch_answer : std::uint8_t { yes, unknown_host, too_many, unknown_console };
    watch_answer watch(std::uint64_t console, std::string_view host);
    void unwatch(std::uint64_t console, std::string_view host);

    void refused(feed_console, std::uint64_t before);
    void ready(feed_console);

    /// Sends what is due; when there is more, nothing: never.
    std::optional<time_point> on_time(time_point now);

    /// This node stops in a while.
    void draining(milliseconds after);

    std::size_t consoles() const { return consoles_.size(); }
    std::size_t forms() const { return forms_.size(); }
    std::size_t behind() const { return behind_.size(); }
    std::uint64_t rows_sent() const { return rows_sent_; }

  private:
    struct form;
    struct group;
    struct console;
    struct entry {
        host const* h = nullptr;
        std::uint64_t changed = 0;
    };

    form& form_of(row_format, search, search const& bounds, std::string& error);
    group& group_of(form&, duration interval);
    void look(form&);
    void look_at(form&, std::uint32_t index);
    std::string cursor_text(form const&, std::uint64_t) const;
    std::optional<std::uint64_t> resumed_from(form const&, std::string_view cursor) const;
    /// `rows`: how many there are.
    std::string delta(form&, std::uint64_t since, bool resumed, std::size_t& changes);
    void begin_snapshot(console&);
    void next_chunk(console&);
    void flush(form&, group&);
    void drop_from_group(console&);
    void enter_group(console&);

    feed_settings settings_;
    feed_link& link_;
    find_host find_;
    std::uint64_t number_ = 0; ///< of changes
    std::vector<entry> hosts_; ///< by `host::index`
    detail::recency_list recent_;
    std::vector<std::unique_ptr<form>> forms_;
    std::uint64_t next_form_ = 0;
    std::unordered_map<std::uint64_t, std::unique_ptr<console>> consoles_;
    std::unordered_map<std::uint64_t, time_point> behind_; ///< when they are asked next
    std::unordered_map<std::string, std::vector<std::uint64_t>> watches_;
    std::vector<feed_console> to_; ///< kept for its memory
    std::string text_;
    std::uint64_t rows_sent_ = 0;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/console_feed.ipp>
#include <mad/fleet/impl/feed_rows.ipp>
#endif

#endif
