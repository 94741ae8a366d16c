#include "log_box.hpp"

#include "python_json.hpp"

#include <mad/core/clock.hpp>

#include <string>
#include <unistd.h>
#include <utility>
#include <variant>
#include <vector>

namespace py = pybind11;

namespace mad_python {
namespace {

using held_value = std::variant<std::string, std::int64_t, std::uint64_t, double, bool>;

/// An event that outlives the call that told of it.
struct held_event {
    explicit held_event(mad::log_event const& e)
        : level(e.level)
        , name(e.name)
        , wall_ms(mad::system_clock::instance().wall_ms()) {
        fields.reserve(e.fields.size());
        for (auto const& f : e.fields)
            fields.emplace_back(f.key, std::visit([](auto const& v) { return hold(v); }, f.value));
    }

    static held_value hold(std::string_view v) { return std::string(v); }
    template <class T>
    static held_value hold(T v) {
        return v;
    }

    py::tuple read() const {
        py::dict values;
        for (auto const& [key, value] : fields)
            values[read_text(key)] = std::visit([](auto const& v) { return show(v); }, value);
        return py::make_tuple(static_cast<int>(level), read_text(name), std::move(values),
                              static_cast<double>(wall_ms) / 1000);
    }

    static py::object show(std::string const& v) { return read_text(v); }
    template <class T>
    static py::object show(T v) {
        return py::cast(v);
    }

    mad::log_level level;
    std::string name;
    std::int64_t wall_ms;
    std::vector<std::pair<std::string, held_value>> fields;
};

} // namespace

/// What one native thing logs through.
class log_box::tap final : public mad::log_sink {
  public:
    explicit tap(std::shared_ptr<log_box> box)
        : box_(std::move(box)) {
        ++box_->users_;
    }
    ~tap() override { box_->left(); }

    void write(mad::log_event const& e) override { box_->write(e); }

  private:
    std::shared_ptr<log_box> box_;
};

log_box::log_box()
    : owner_(::getpid()) {}

bool log_box::elsewhere() const {
    return owner_ != ::getpid();
}

mad::logger log_box::open() {
    return mad::logger(std::make_shared<tap>(shared_from_this()), mad::log_level::debug);
}

void log_box::write(mad::log_event const& e) {
    if (e.level < level_.load(std::memory_order_relaxed) || elsewhere())
        return;
    if (waiting_.fetch_add(1) >= most) {
        --waiting_;
        ++lost_;
        return;
    }
    box_->post([self = weak_from_this(), held = held_event(e)]() -> py::object {
        if (auto const here = self.lock())
            --here->waiting_;
        return held.read();
    });
}

void log_box::left() {
    --users_;
    if (!elsewhere()) // the thread that empties it may go
        box_->post([]() -> py::object { return py::none(); });
}

} // namespace mad_python
