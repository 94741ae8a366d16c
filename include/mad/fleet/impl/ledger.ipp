#ifndef MAD_FLEET_IMPL_LEDGER_IPP
#define MAD_FLEET_IMPL_LEDGER_IPP

#include <mad/fleet/ledger.hpp>
#include <mad/net/shard.hpp>

#include <utility>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

MAD_DECL std::string const* ledger_tables::find(std::string_view name,
                                                std::string_view field) const {
    auto const* const t = find(name);
    if (!t)
        return nullptr;
    auto const it = t->find(field);
    return it == t->end() ? nullptr : &it->second;
}

MAD_DECL bool ledger_tables::put(std::string_view name, std::string_view field,
                                 std::optional<std::string_view> value) {
    auto t = tables_.find(name);
    if (t == tables_.end()) {
        if (!value)
            return false;
        t = tables_.emplace(std::string(name), table()).first;
    }
    auto const it = t->second.find(field);
    if (!value) {
        if (it == t->second.end())
            return false;
        t->second.erase(it);
        return true;
    }
    if (it == t->second.end()) {
        t->second.emplace(std::string(field), std::string(*value));
        return true;
    }
    if (it->second == *value)
        return false;
    it->second = *value;
    return true;
}

class embedded_ledger final : public ledger {
  public:
    void start(net::shard& home, ledger_watch w) override {
        home_ = &home;
        if (w.ready)
            home.post([ready = std::move(w.ready)] { ready(true); });
    }
    std::string const* find(std::string_view table, std::string_view field) const override {
        return tables_.find(table, field);
    }
    void each(std::string_view table,
              std::function<void(std::string_view, std::string_view)> const& fn) const override {
        if (auto const* const t = tables_.find(table))
            for (auto const& [field, value] : *t)
                fn(field, value);
    }
    std::size_t size(std::string_view table) const override {
        auto const* const t = tables_.find(table);
        return t ? t->size() : 0;
    }
    void put(std::string_view table, std::string_view field, std::string value) override {
        tables_.put(table, field, value);
    }
    void erase(std::string_view table, std::string_view field) override {
        tables_.put(table, field, std::nullopt);
    }
    void swap(std::string_view table, std::string_view field, std::optional<std::string> expected,
              std::optional<std::string> value, std::function<void(result<bool>)> done) override {
        auto const* const is = tables_.find(table, field);
        bool const won = is ? expected && *is == *expected : !expected;
        if (won)
            tables_.put(table, field, value);
        home_->post([done = std::move(done), won] { done(won); });
    }
    void tell(std::string) override {}
    bool shared() const override { return false; }

  private:
    net::shard* home_ = nullptr;
    ledger_tables tables_;
};

} // namespace detail

MAD_DECL std::unique_ptr<ledger> make_embedded_ledger() {
    return std::make_unique<detail::embedded_ledger>();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
