#ifndef MAD_SYNC_DETAIL_STREAM_NODE_HPP
#define MAD_SYNC_DETAIL_STREAM_NODE_HPP

#include <mad/socketio/recovery.hpp>
#include <mad/sync/streams_adapter.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>

namespace mad::inline MAD_ABI::sync::detail {

/// The id of an entry, `1795342252341-0`.
struct entry_id {
    std::uint64_t ms = 0, n = 0;

    static std::optional<entry_id> parse(std::string_view text) {
        entry_id id;
        auto const* const end = text.data() + text.size();
        auto const first = std::from_chars(text.data(), end, id.ms);
        if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-')
            return std::nullopt;
        auto const second = std::from_chars(first.ptr + 1, end, id.n);
        if (second.ec != std::errc() || second.ptr != end)
            return std::nullopt;
        return id;
    }
    std::string text() const { return std::to_string(ms) + '-' + std::to_string(n); }
    std::string next() const { return std::to_string(ms) + '-' + std::to_string(n + 1); }
    /// One number for the log of sockets: ids of all nodes in their order.
    std::uint64_t sequence() const {
        constexpr std::uint64_t most = (1u << 22) - 1;
        return ms << 22 | std::min(n, most);
    }

    // NOLINTNEXTLINE(modernize-use-nullptr): what the compiler makes of it compares with 0
    friend auto operator<=>(entry_id const&, entry_id const&) = default;
};

struct stream_entry {
    entry_id id;
    std::string_view uid, nsp, type, data;
};

/// `[id, [field, value, ...]]`
inline std::optional<stream_entry> read_entry(redis::reply const& r) {
    auto const id = entry_id::parse(r[0].text());
    if (!id)
        return std::nullopt;
    stream_entry e;
    e.id = *id;
    auto const fields = r[1].items();
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        auto const key = fields[i].text();
        auto const value = fields[i + 1].text();
        if (key == "uid")
            e.uid = value;
        else if (key == "nsp")
            e.nsp = value;
        else if (key == "type")
            e.type = value;
        else if (key == "data")
            e.data = value;
    }
    return e;
}

/// One namespace on the streams.
class stream_node : public std::enable_shared_from_this<stream_node> {
  public:
    stream_node(std::string nsp, socketio::local_sockets&, std::shared_ptr<bus>,
                std::shared_ptr<stream_reader>, streams_adapter_settings const&);

    void open();
    void close();

    sync::exchange& talk() { return *exchange_; }
    bool recovers() const { return settings_.recovery.has_value(); }
    void broadcast(socketio::encoded const&, socketio::target const&, socketio::broadcast_flags);
    void send(socketio::encoded const&, std::string_view id,
              std::function<void(socketio::encoded const&, std::uint64_t)> deliver);
    /// What has been read.
    void on_entry(stream_entry const&);
    void save(socketio::saved_session const&);
    void restore(std::string pid, std::string offset,
                 std::function<void(std::optional<socketio::restored_session>)> done);

  private:
    /// An event of ours that is to come back.
    struct outstanding {
        std::uint64_t serial = 0;
        std::string data;
        socketio::encoded packet;
        socketio::target to;
        socketio::broadcast_flags flags;
        std::function<void(socketio::encoded const&, std::uint64_t)> only;
        time_point since{};
        bool delivered = false;
    };
    struct restoring;

    redis::command entry(message_view const&, std::string const& data) const;
    void keep(outstanding, message_view const&);
    void deliver(outstanding const&, std::optional<entry_id>);
    void on_sent(std::uint64_t serial, bool good);
    void on_time();
    void arm(std::unique_lock<std::mutex>&);
    void read_on(std::shared_ptr<restoring>);

    streams_adapter_settings const settings_;
    std::shared_ptr<cluster_codec const> codec_;
    std::shared_ptr<sync::exchange> exchange_;
    std::shared_ptr<stream_reader> reader_;
    std::size_t lane_ = 0;
    std::string stream_;
    std::vector<std::uint64_t> subscriptions_;
    std::atomic<bool> closed_{false};

    std::mutex mutex_;
    std::deque<outstanding> outstanding_;
    std::uint64_t serial_ = 0;
    bool armed_ = false;
};

/// Reads the streams, for all namespaces.
class stream_reader : public std::enable_shared_from_this<stream_reader> {
  public:
    stream_reader(std::shared_ptr<bus>, streams_adapter_settings);

    void start();
    void add(std::string const& nsp, std::weak_ptr<stream_node>);
    void remove(std::string const& nsp, stream_node const&);
    std::size_t lane_of(std::string_view nsp) const;
    std::string name_of(std::size_t lane) const;
    /// Up to here everything has been handed on. On the thread of the bus.
    entry_id position(std::size_t lane) const { return lanes_[lane].last; }
    streams_adapter_settings const& settings() const { return settings_; }
    std::shared_ptr<sync::bus> const& redis() const { return bus_; }

  private:
    struct lane_state {
        entry_id last;
        bool placed = false; ///< the end of the stream at our start is known
    };

    void poll(std::size_t lane);
    void poll_later(std::size_t lane);
    void take(std::size_t lane, redis::reply const& entries);

    std::shared_ptr<sync::bus> bus_;
    streams_adapter_settings settings_;
    std::vector<lane_state> lanes_;
    std::mutex mutex_;
    std::unordered_map<std::string, std::weak_ptr<stream_node>> nodes_;
};

} // namespace mad::inline MAD_ABI::sync::detail

#endif
