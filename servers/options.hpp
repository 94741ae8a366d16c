#ifndef MAD_SERVERS_OPTIONS_HPP
#define MAD_SERVERS_OPTIONS_HPP

#include <mad/core/duration.hpp>
#include <mad/core/log.hpp>
#include <mad/net/address_limits.hpp>
#include <mad/net/cipher.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What all programs share: their common flags, where values come from (flag, then environment,
/// then file, then default), and what a wrong one is answered with.
namespace programs {

/// Wrong usage or configuration: exit 2. The text names the flag, or the file and the line.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class options {
  public:
    /// `name` is the program's; the environment names are made of it: MAD_API_LISTEN for `mad-api`.
    options(std::string name, std::string what);

    CLI::App& app() { return app_; }

    /// A flag `--a-b` that is also `a_b` in the file and NAME_A_B in the environment; `legacy` is
    /// an older name of the environment.
    template <class T>
    CLI::Option* add(std::string const& flag, T& into, std::string const& help,
                     std::string const& legacy = {}) {
        auto* const o = app_.add_option("--" + flag, into, help)->capture_default_str();
        note(flag, o, legacy);
        return o;
    }
    /// The same for a flag that may come several times; in the environment its values are parted by
    /// commas.
    CLI::Option* add_list(std::string const& flag, std::vector<std::string>& into,
                          std::string const& help);
    CLI::Option* add_switch(std::string const& flag, bool& into, std::string const& help);
    /// A switch that may also be given one of `words`: `--a` makes `into` "true", `--a=word` that.
    CLI::Option* add_choice(std::string const& flag, std::string& into,
                            std::vector<std::string> const& words, std::string const& help);
    CLI::Option* add_duration(std::string const& flag, mad::milliseconds& into,
                              mad::milliseconds least, mad::milliseconds most,
                              std::string const& help);

    /// `--listen`, `--anonymous`, TLS and the limits: what a server takes. `tokens`: `--tokens`
    /// too, and `--anonymous=agents`.
    void add_server(std::uint16_t default_port, bool tokens = false);

    /// `--instance` and `--instance-dir`; `others`: among whom the name counts, and what for. A
    /// server has them.
    void add_instance(std::string const& others);

    /// Reads everything. Gives an exit code when the program is to end now (`--help`, `--version`).
    std::optional<int> parse(int argc, char** argv);

    // Values after `parse`.
    boost::asio::ip::tcp::endpoint endpoint() const;
    mad::logger make_logger() const;
    /// From the pairs of `--tls-cert` and `--tls-key`; null without them. Called again on SIGHUP.
    std::shared_ptr<mad::net::cipher_factory> load_tls() const;
    /// `message` with the file and line, or the name in the environment, in front that the flag it
    /// begins with (`--a-b: `) has its value from; as it is when that was the command line.
    std::string located(std::string const& message) const;
    /// Where sockets of instances are; without `instance` nobody asks.
    std::string instance_folder() const;
    /// From `--ca-file`, for URLs that want TLS.
    std::string const& ca_file() const { return ca_file_; }

    std::string name;
    bool check = false;
    bool anonymous = false;        ///< open to everybody
    bool anonymous_agents = false; ///< to agents alone
    std::string tokens_file;
    mad::milliseconds drain_timeout{5000};
    std::size_t max_connections = mad::net::default_max_connections();
    mad::net::address_limits_settings addresses;
    /// Of several processes that serve one listening socket while a new release takes over.
    std::string instance, instance_dir;

  private:
    struct entry {
        std::string flag;
        CLI::Option* option;
        std::string legacy;
        bool list = false;
        std::string from{}; ///< file:line or the name in the environment
    };

    void note(std::string const& flag, CLI::Option* o, std::string const& legacy) {
        entries_.push_back({flag, o, legacy, false});
    }
    void read_environment();
    void read_file();
    void judge() const;

    CLI::App app_;
    std::vector<entry> entries_;
    std::string listen_, config_, log_format_ = "text", log_level_ = "info", ca_file_;
    std::string anonymous_;
    std::vector<std::string> tls_certs_, tls_keys_;
    std::uint16_t default_port_ = 0;
    bool version_ = false, takes_tokens_ = false;
};

/// Reads `[HOST:]PORT`, HOST an address or `localhost`. Without a HOST it is `bare`. Throws
/// usage_error, which names the flag.
boost::asio::ip::tcp::endpoint parse_listen(std::string const& flag, std::string const& text,
                                            boost::asio::ip::address const& bare);

/// The first line of a file that holds one secret; never empty. Throws usage_error, which names the
/// flag.
std::string read_secret(std::string const& flag, std::string const& file);

/// Prints what a program was asked for, not told in passing. Throws when nobody can have read it.
void print(std::string_view text);

/// Runs `body` with the errors of people turned into messages and exit codes: 2 for usage, 1 for
/// everything else.
int run(std::string const& name, std::function<int()> const& body);
/// The same, and the messages say where the value of the flag comes from.
int run(options const&, std::function<int()> const& body);

} // namespace programs

#endif
