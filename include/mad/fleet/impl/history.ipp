#ifndef MAD_FLEET_IMPL_HISTORY_IPP
#define MAD_FLEET_IMPL_HISTORY_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/history.hpp>
#include <mad/fleet/shown_value.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline constexpr std::uint16_t history_gap = 0xffff;
/// Cells that are taken at once: memory grows with what is there.
inline constexpr std::size_t history_step = 30;

template <std::size_t Width>
constexpr std::array<std::uint16_t, Width> gap_cell() {
    std::array<std::uint16_t, Width> c;
    c.fill(history_gap);
    return c;
}

} // namespace detail

/// Five bits of exponent, eleven of mantissa; the smallest exponent is linear.
MAD_DECL std::uint16_t pack_number(float v) {
    if (!(v >= 0))
        return std::isnan(v) ? detail::history_gap : 0;
    auto const linear = std::lround(std::min(double{v}, 1.0) * 0x1p21);
    if (linear < 2'048)
        return static_cast<std::uint16_t>(linear);
    int e = 0;
    auto const m = std::frexp(double{v}, &e); // v = m * 2^e, m in [0.5, 1)
    auto mantissa = std::lround(m * 4'096);
    auto exponent = e + 10;
    if (mantissa == 4'096) {
        mantissa = 2'048;
        ++exponent;
    }
    if (exponent > 31)
        return 0xfffe;
    auto const packed = static_cast<std::uint16_t>(exponent << 11 | (mantissa - 2'048));
    return std::min<std::uint16_t>(packed, 0xfffe);
}

MAD_DECL float unpack_number(std::uint16_t p) {
    if (p == detail::history_gap)
        return std::numeric_limits<float>::quiet_NaN();
    int const exponent = p >> 11, mantissa = p & 0x7ff;
    if (exponent == 0)
        return std::ldexp(static_cast<float>(mantissa), -21);
    return std::ldexp(static_cast<float>(mantissa + 2'048), exponent - 22);
}

template <std::size_t Width>
void history::ring<Width>::push(cell const& c, std::size_t most) {
    if (cells_.size() < most) {
        if (first_ != 0) { // it was smaller once
            std::rotate(cells_.begin(), cells_.begin() + static_cast<std::ptrdiff_t>(first_),
                        cells_.end());
            first_ = 0;
        }
        if (cells_.size() == cells_.capacity())
            cells_.reserve(std::min(cells_.size() + detail::history_step, most));
        cells_.push_back(c);
        return;
    }
    cells_[first_] = c;
    first_ = (first_ + 1) % cells_.size();
}

template <std::size_t Width>
void history::ring<Width>::clear() {
    std::vector<cell>().swap(cells_);
    first_ = 0;
}

template <std::size_t Width>
void history::ring<Width>::extend(std::size_t n) {
    std::vector<cell> all;
    all.reserve(n + cells_.size());
    all.assign(n, detail::gap_cell<Width>());
    for (std::size_t i = 0; i < cells_.size(); ++i)
        all.push_back(at(i));
    cells_ = std::move(all);
    first_ = 0;
}

MAD_DECL std::size_t history::max_native() const {
    return static_cast<std::size_t>(
        std::max<std::int64_t>(1, native_ms / std::max<std::int64_t>(interval_ms_, 1'000)));
}

MAD_DECL void history::add(std::int64_t now_ms, reading const& r) {
    auto const interval = std::clamp<std::uint32_t>(r.interval_ms, 1'000, 60'000);
    if (interval != interval_ms_) {
        native_.clear(); // what is left of it stays in the minutes
        interval_ms_ = interval;
    } else if (now_ms <= last_ms_) {
        return;
    }
    ring<metrics>::cell c;
    for (std::size_t i = 0; i < metrics; ++i)
        c[i] = pack_number(r.values[i]);
    if (native_.empty()) {
        native_.push(c, max_native());
        last_ms_ = now_ms;
    } else {
        // Samples come when the agent sends them, give or take what the way takes. Less than 0.6 of
        // an interval behind the last: the same place.
        auto const passed = now_ms - last_ms_;
        auto const steps = (passed + interval * 4 / 10) / interval;
        if (steps == 0) {
            native_.at(native_.size() - 1) = c;
        } else {
            if (static_cast<std::size_t>(steps) >= max_native())
                native_.clear();
            else
                for (std::int64_t i = 1; i < steps; ++i)
                    native_.push(detail::gap_cell<metrics>(), max_native());
            native_.push(c, max_native());
            last_ms_ = now_ms;
        }
    }
    auto const minute = now_ms / minute_ms;
    if (minute != open_.number) {
        close_minute();
        open_ = {};
        open_.number = minute;
    }
    for (std::size_t i = 0; i < metrics; ++i)
        if (auto const v = r.values[i]; !std::isnan(v)) {
            open_.sum[i] += v;
            open_.most[i] = open_.count[i] ? std::max(open_.most[i], v) : v;
            ++open_.count[i];
        }
}

MAD_DECL void history::close_minute() {
    if (open_.number == 0)
        return;
    auto c = detail::gap_cell<2 * metrics>();
    for (std::size_t i = 0; i < metrics; ++i)
        if (auto const n = open_.count[i]) {
            c[i] = pack_number(open_.sum[i] / static_cast<float>(n));
            c[metrics + i] = pack_number(open_.most[i]);
        }
    push_minute(open_.number, c);
}

MAD_DECL void history::push_minute(std::int64_t number, ring<2 * metrics>::cell const& c) {
    if (!minutes_.empty()) {
        auto const steps = number - last_minute_;
        if (steps <= 0)
            return;
        if (steps >= static_cast<std::int64_t>(max_minutes))
            minutes_.clear();
        else
            for (std::int64_t i = 1; i < steps; ++i)
                minutes_.push(detail::gap_cell<2 * metrics>(), max_minutes);
    }
    minutes_.push(c, max_minutes);
    last_minute_ = number;
}

namespace detail {

template <class Cell>
void append_history_row(std::string& out, Cell const& c, std::size_t from) {
    out += '[';
    for (std::size_t i = 0; i < history_metrics; ++i) {
        if (i)
            out += ',';
        if (c[from + i] == history_gap)
            out += "null";
        else
            append_json_number(out,
                               shown_value(static_cast<metric>(i), unpack_number(c[from + i])));
    }
    out += ']';
}

template <class Ring>
void append_history_rows(std::string& out, Ring const& ring, std::size_t from) {
    out += '[';
    for (std::size_t i = 0; i < ring.size(); ++i) {
        if (i)
            out += ',';
        append_history_row(out, ring.at(i), from);
    }
    out += ']';
}

inline void append_history_cell(std::string& out, metric m, std::uint16_t packed) {
    out += ',';
    if (packed != history_gap)
        append_json_number(out, shown_value(m, unpack_number(packed)));
}

template <class Int>
void put_int(std::string& out, Int v) {
    for (std::size_t i = 0; i < sizeof v; ++i)
        out += static_cast<char>(static_cast<std::uint64_t>(v) >> 8 * i & 0xff);
}

template <class Int>
bool take_int(std::string_view& in, Int& v) {
    if (in.size() < sizeof v)
        return false;
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < sizeof v; ++i)
        n |= std::uint64_t{static_cast<unsigned char>(in[i])} << 8 * i;
    v = static_cast<Int>(n);
    in.remove_prefix(sizeof v);
    return true;
}

} // namespace detail

MAD_DECL std::string history::json(history_window w) const {
    std::string out = "{\"interval_ms\":";
    append_json_number(out, interval_ms_);
    out += ",\"t0\":";
    bool const native = w != history_window::six_hours && !native_.empty();
    bool const minutes = w != history_window::quarter_hour && !minutes_.empty();
    append_json_number(out, native ? last_ms_ - static_cast<std::int64_t>(native_.size() - 1) *
                                                    interval_ms_
                                   : std::int64_t{0});
    out += ",\"cols\":[";
    for (std::size_t i = 0; i < metrics; ++i) {
        if (i)
            out += ',';
        append_json_string(out, to_string(static_cast<metric>(i)));
    }
    out += "],\"native\":";
    if (native)
        detail::append_history_rows(out, native_, 0);
    else
        out += "[]";
    out += ",\"minutes\":{\"t0\":";
    if (!minutes)
        return out += "0,\"mean\":[],\"max\":[]}}";
    append_json_number(out,
                       (last_minute_ - static_cast<std::int64_t>(minutes_.size() - 1)) * minute_ms);
    out += ",\"mean\":";
    detail::append_history_rows(out, minutes_, 0);
    out += ",\"max\":";
    detail::append_history_rows(out, minutes_, metrics);
    return out += "}}";
}

MAD_DECL std::string history::csv(history_window w) const {
    std::string out = "time_ms";
    bool const minutes = w == history_window::six_hours;
    for (std::size_t i = 0; i < metrics; ++i) {
        auto const name = to_string(static_cast<metric>(i));
        out.append(",").append(name);
        if (minutes)
            out.append("_mean,").append(name).append("_max");
    }
    out += '\n';
    auto const size = minutes ? minutes_.size() : native_.size();
    auto const step = minutes ? minute_ms : std::int64_t{interval_ms_};
    auto const last = minutes ? last_minute_ * minute_ms : last_ms_;
    for (std::size_t i = 0; i < size; ++i) {
        append_json_number(out, last - static_cast<std::int64_t>(size - 1 - i) * step);
        for (std::size_t k = 0; k < metrics; ++k) {
            auto const m = static_cast<metric>(k);
            detail::append_history_cell(out, m, minutes ? minutes_.at(i)[k] : native_.at(i)[k]);
            if (minutes)
                detail::append_history_cell(out, m, minutes_.at(i)[metrics + k]);
        }
        out += '\n';
    }
    return out;
}

MAD_DECL std::string history::pack() const {
    std::string out(1, '\1');
    detail::put_int(out, interval_ms_);
    detail::put_int(out, last_ms_);
    detail::put_int(out, static_cast<std::uint16_t>(native_.size()));
    for (std::size_t i = 0; i < native_.size(); ++i)
        for (auto const v : native_.at(i))
            detail::put_int(out, v);
    detail::put_int(out, last_minute_);
    detail::put_int(out, static_cast<std::uint16_t>(minutes_.size()));
    for (std::size_t i = 0; i < minutes_.size(); ++i)
        for (auto const v : minutes_.at(i))
            detail::put_int(out, v);
    return out;
}

MAD_DECL bool history::merge(std::string_view in) {
    history other;
    std::uint16_t count = 0;
    auto const read = [&in](auto& into, std::size_t n, std::size_t most) {
        typename std::remove_reference_t<decltype(into)>::cell c;
        for (std::size_t i = 0; i < n; ++i) {
            for (auto& v : c)
                if (!detail::take_int(in, v))
                    return false;
            into.push(c, most);
        }
        return true;
    };
    if (in.empty() || in.front() != '\1')
        return false;
    in.remove_prefix(1);
    constexpr std::int64_t far = std::int64_t{1} << 53;
    if (!detail::take_int(in, other.interval_ms_) || !detail::take_int(in, other.last_ms_) ||
        !detail::take_int(in, count) || other.interval_ms_ > 60'000 || other.last_ms_ < 0 ||
        other.last_ms_ > far || count > other.max_native() ||
        !read(other.native_, count, other.max_native()) ||
        !detail::take_int(in, other.last_minute_) || !detail::take_int(in, count) ||
        other.last_minute_ < 0 || other.last_minute_ > far || count > max_minutes ||
        !read(other.minutes_, count, max_minutes) || !in.empty())
        return false;

    if (native_.empty() && other.interval_ms_ != 0) {
        native_ = std::move(other.native_);
        interval_ms_ = other.interval_ms_;
        last_ms_ = other.last_ms_;
    } else if (interval_ms_ == other.interval_ms_) {
        for (std::size_t i = other.native_.size(); i-- > 0;) {
            auto const at = other.last_ms_ -
                            static_cast<std::int64_t>(other.native_.size() - 1 - i) * interval_ms_;
            if (at > last_ms_ + interval_ms_ / 2)
                continue; // comes here by itself
            auto const back =
                static_cast<std::size_t>((last_ms_ - at + interval_ms_ / 2) / interval_ms_);
            if (back >= max_native())
                break;
            if (back >= native_.size())
                native_.extend(std::min(max_native(), back + i + 1) - native_.size());
            auto& mine = native_.at(native_.size() - 1 - back);
            if (mine == detail::gap_cell<metrics>())
                mine = other.native_.at(i);
        }
    }
    if (minutes_.empty()) {
        if (open_.number == 0 || other.last_minute_ < open_.number) {
            minutes_ = std::move(other.minutes_);
            last_minute_ = other.last_minute_;
            return true;
        }
        // Only what was before the minute that is open here.
        last_minute_ = open_.number - 1;
        minutes_.push(detail::gap_cell<2 * metrics>(), max_minutes);
    }
    for (std::size_t i = other.minutes_.size(); i-- > 0;) {
        auto const number =
            other.last_minute_ - static_cast<std::int64_t>(other.minutes_.size() - 1 - i);
        if (number > last_minute_)
            continue;
        auto const back = static_cast<std::size_t>(last_minute_ - number);
        if (back >= max_minutes)
            break;
        if (back >= minutes_.size())
            minutes_.extend(std::min(max_minutes, back + i + 1) - minutes_.size());
        auto& mine = minutes_.at(minutes_.size() - 1 - back);
        if (mine == detail::gap_cell<2 * metrics>())
            mine = other.minutes_.at(i);
    }
    return true;
}

MAD_DECL std::size_t history::memory() const {
    return sizeof *this + native_.memory() + minutes_.memory();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
