#ifndef MAD_FLEET_IMPL_STORE_IPP
#define MAD_FLEET_IMPL_STORE_IPP

#include <mad/fleet/store.hpp>

#include <unordered_map>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

class embedded_store final : public store {
  public:
    stored_record const* find(std::string_view id) const override {
        auto const it = records_.find(id);
        return it == records_.end() ? nullptr : it->second.get();
    }

    void put(stored_record r) override {
        auto const it = records_.find(r.id);
        if (it != records_.end()) {
            auto& old = *it->second;
            // The key of the table views the id that is there: it stays, all else is replaced.
            old.socket_id = std::move(r.socket_id);
            old.record = std::move(r.record);
            old.info = std::move(r.info);
            old.run = std::move(r.run);
            old.seq = r.seq;
            old.seen = r.seen;
            return;
        }
        auto fresh = std::make_unique<stored_record>(std::move(r));
        std::string_view const key = fresh->id;
        records_.emplace(key, std::move(fresh));
    }

    bool drop(std::string_view id, std::string_view socket_id) override {
        auto const it = records_.find(id);
        if (it == records_.end() || it->second->socket_id != socket_id)
            return false;
        auto const gone = std::move(it->second); // holds the key until the entry is out
        records_.erase(it);
        return true;
    }

    void each(std::function<void(stored_record const&)> const& fn) const override {
        for (auto const& [id, r] : records_)
            fn(*r);
    }

    std::size_t size() const override { return records_.size(); }

  private:
    std::unordered_map<std::string_view, std::unique_ptr<stored_record>> records_;
};

} // namespace detail

MAD_DECL std::unique_ptr<store> make_embedded_store() {
    return std::make_unique<detail::embedded_store>();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
