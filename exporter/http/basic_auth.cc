// SPDX-License-Identifier: Apache-2.0
//
// An Authorization header to a user and a password, libcrypt's bcrypt, and what it said before.
#include "http/basic_auth.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/format.h"
#include "base/guarded.h"

namespace plimsoll::http {
namespace {

constexpr std::size_t kBcryptBytes = 72;  // of a password; bcrypt does not see more
constexpr std::size_t kHashDigits = 31;   // at the end of a bcrypt text, behind the salt

struct Credentials {
  std::string user;
  std::string password;
};

std::optional<Credentials> Read(const Request& request) {
  constexpr std::string_view kScheme = "basic ";
  std::string_view value = request.Header("Authorization");
  const bool basic =
      value.size() > kScheme.size() &&
      std::equal(kScheme.begin(), kScheme.end(), value.begin(), [](char left, char right) {
        return left == (right >= 'A' && right <= 'Z' ? right - 'A' + 'a' : right);
      });
  if (!basic) return std::nullopt;
  value.remove_prefix(kScheme.size());
  if (value.empty() || value.size() % 4 != 0) return std::nullopt;
  std::string plain(value.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(plain.data()),
                                   reinterpret_cast<const unsigned char*>(value.data()),
                                   static_cast<int>(value.size()));
  if (size < 0) return std::nullopt;
  const auto padding = static_cast<std::size_t>(value.ends_with("==") ? 2 : value.ends_with('='));
  plain.resize(static_cast<std::size_t>(size) - padding);
  const std::size_t colon = plain.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{plain.substr(0, colon), plain.substr(colon + 1)};
}

// Takes as long for a wrong password as for the right one.
bool Fits(const std::string& hash, const std::string& password) {
  const auto data = std::make_unique<crypt_data>();
  const char* computed =
      crypt_r(password.substr(0, kBcryptBytes).c_str(), hash.c_str(), data.get());
  const std::string_view text = computed == nullptr ? std::string_view() : computed;
  const bool fits = text.size() == hash.size() && hash.size() > kHashDigits &&
                    CRYPTO_memcmp(text.data() + text.size() - kHashDigits,
                                  hash.data() + hash.size() - kHashDigits, kHashDigits) == 0;
  OPENSSL_cleanse(data.get(), sizeof *data);
  return fits;
}

// The last answers of one kind.
class Remembered {
 public:
  explicit Remembered(std::size_t limit) : limit_(limit) {}
  bool Has(const std::string& digest) const { return digests_.contains(digest); }
  void Add(const std::string& digest) {
    if (limit_ == 0 || !digests_.insert(digest).second) return;
    order_.push_back(digest);
    if (order_.size() <= limit_) return;
    digests_.erase(order_.front());
    order_.pop_front();
  }

 private:
  const std::size_t limit_;
  std::unordered_set<std::string> digests_;
  std::deque<std::string> order_;
};

}  // namespace

struct BasicAuth::Impl {
  struct Answers {
    explicit Answers(std::size_t limit) : right(limit), wrong(limit) {}
    Remembered right, wrong;
  };

  Impl(Users users_in, BasicAuthLimits limits_in)
      : users(std::move(users_in)), limits(limits_in), answers(Answers(limits_in.remembered)) {
    RAND_bytes(secret.data(), static_cast<int>(secret.size()));
    // The cost of the dearest user, so that nobody learns from the time who exists.
    std::string cost = "04";
    for (const auto& [name, hash] : users) cost = std::max(cost, hash.substr(4, 2));
    nobody = base::format("$2b${}${}{}", cost, "NoSaltIsNeededForNobod", std::string(31, '.'));
  }

  std::string DigestOf(const Credentials& given) const {
    const auto user = users.find(given.user);
    std::string text;
    for (const std::string& part :
         {given.user, user == users.end() ? std::string() : user->second, given.password})
      text += base::format("{}:", part.size()) + part;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest = {};
    unsigned size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
    OPENSSL_cleanse(text.data(), text.size());
    return std::string(reinterpret_cast<char*>(digest.data()), size);
  }

  Verdict Before(const std::string& digest) const {
    return answers.With([&](const Answers& known) {
      return known.right.Has(digest)   ? Verdict::kAllowed
             : known.wrong.Has(digest) ? Verdict::kRefused
                                       : Verdict::kUnknown;
    });
  }

  const Users users;
  const BasicAuthLimits limits;
  std::array<unsigned char, 32> secret = {};
  std::string nobody;  // a hash that no password has
  base::Guarded<Answers> answers;
  std::mutex one_hash;
  std::atomic<std::size_t> waiting = 0;
  std::atomic<std::size_t> computed = 0;
};

BasicAuth::BasicAuth(Users users, BasicAuthLimits limits)
    : impl_(std::make_unique<Impl>(std::move(users), limits)) {}
BasicAuth::~BasicAuth() = default;

const BasicAuth::Users& BasicAuth::users() const { return impl_->users; }
std::size_t BasicAuth::computed() const { return impl_->computed; }

BasicAuth::Verdict BasicAuth::Known(const Request& request) const {
  const auto given = Read(request);
  // bcrypt would not see what follows a zero byte, and so take a beginning for the whole.
  if (!given || given->password.find('\0') != std::string::npos) return Verdict::kRefused;
  return impl_->Before(impl_->DigestOf(*given));
}

BasicAuth::Verdict BasicAuth::Check(const Request& request) {
  if (const Verdict known = Known(request); known != Verdict::kUnknown) return known;
  const auto given = Read(request);
  const std::string digest = impl_->DigestOf(*given);
  struct Turn {
    explicit Turn(std::atomic<std::size_t>& all) : count(all), place(++all) {}
    ~Turn() { --count; }
    std::atomic<std::size_t>& count;
    const std::size_t place;
  } turn(impl_->waiting);
  if (turn.place > impl_->limits.waiting) return Verdict::kBusy;
  const std::lock_guard one_at_a_time(impl_->one_hash);
  // Another who asked the same may have been first.
  if (const Verdict known = impl_->Before(digest); known != Verdict::kUnknown) return known;
  const auto user = impl_->users.find(given->user);
  const bool exists = user != impl_->users.end();
  ++impl_->computed;
  const bool right = Fits(exists ? user->second : impl_->nobody, given->password) && exists;
  impl_->answers.With(
      [&](Impl::Answers& known) { (right ? known.right : known.wrong).Add(digest); });
  return right ? Verdict::kAllowed : Verdict::kRefused;
}

}  // namespace plimsoll::http
