#ifndef MAD_SOCKETIO_DETAIL_NSP_TABLE_HPP
#define MAD_SOCKETIO_DETAIL_NSP_TABLE_HPP

#include <mad/socketio/detail/parent_core.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio::detail {

class nsp_table;

/// The right to join a namespace: while there is one it is not cleaned up. Each socket of a
/// namespace that may be is one more. Its table outlives it.
class nsp_claim {
  public:
    nsp_claim() = default;
    /// Counted already.
    nsp_claim(nsp_table& t, nsp_core& c)
        : table_(&t)
        , core_(&c) {}
    nsp_claim(nsp_claim&& o) noexcept
        : table_(o.table_)
        , core_(std::exchange(o.core_, nullptr)) {}
    nsp_claim& operator=(nsp_claim&&) = delete;
    ~nsp_claim();

    explicit operator bool() const { return core_ != nullptr; }
    /// The socket that is made counts instead.
    nsp_core& pass_on() { return *std::exchange(core_, nullptr); }

  private:
    nsp_table* table_ = nullptr;
    nsp_core* core_ = nullptr;
};

/// The namespaces of a server, and the parents that make some. From any thread: they are looked up
/// at CONNECT, not at messages.
class nsp_table {
  public:
    explicit nsp_table(server_core& s)
        : server_(s) {}
    ~nsp_table();
    nsp_table(nsp_table const&) = delete;
    nsp_table& operator=(nsp_table const&) = delete;

    /// Made on first use.
    std::shared_ptr<nsp_core> get(std::string_view name);
    /// Empty when there is none of that name.
    nsp_claim claim(std::string_view name);

    parent_core& add_parent(std::function<bool(std::string_view)> quick, namespace_check);
    /// By order of registration; null behind the last.
    parent_core* parent(std::size_t i);
    /// Empty when there are too many.
    nsp_claim make_child(parent_core&, std::string_view name);

    /// A socket or a claim has gone. With the last of a child it is cleaned up, if that is wished.
    void release(nsp_core&);

    void on_new(std::function<void(nsp)> fn);

  private:
    void tell_new(std::shared_ptr<nsp_core> const&);

    server_core& server_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<nsp_core>, std::less<>> all_;
    std::vector<std::unique_ptr<parent_core>> parents_;
    std::atomic<std::size_t> parent_count_{0};
    std::size_t children_ = 0;
    std::vector<std::weak_ptr<nsp_core>> cleaned_; // those that handles still keep, and some more
    std::size_t cleaned_limit_ = 16;
    std::vector<std::function<void(nsp)>> on_new_;
};

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
