#include "receive/http_date.h"

#include <array>
#include <chrono>

namespace susten {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
// A digit for every 0; letters of the day's and the month's name stand for themselves.
constexpr std::string_view kPattern = "Ddd, 00 Mmm 0000 00:00:00 GMT";
constexpr int kFirstYear = 1970;
constexpr int kLastYear = 2200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool fits(std::string_view text) {
  constexpr size_t kDayName = 3, kMonth = 8, kMonthEnd = 11;
  if (text.size() != kPattern.size()) return false;
  for (size_t i = kDayName; i < text.size(); ++i) {
    if (i >= kMonth && i < kMonthEnd) continue;
    if (kPattern[i] == '0' ? !is_digit(text[i]) : text[i] != kPattern[i]) return false;
  }
  return true;
}

int number(std::string_view text, size_t at, size_t digits) {
  int value = 0;
  for (const char digit : text.substr(at, digits)) value = value * 10 + (digit - '0');
  return value;
}

}  // namespace

std::optional<int64_t> parse_http_date(std::string_view text) {
  if (!fits(text)) return {};
  unsigned month = 0;
  while (month < kMonths.size() && kMonths.at(month) != text.substr(8, 3)) ++month;
  const int year = number(text, 12, 4);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month + 1),
                                         std::chrono::day(static_cast<unsigned>(number(text, 5, 2)))};
  const int hours = number(text, 17, 2);
  const int minutes = number(text, 20, 2);
  const int seconds = number(text, 23, 2);  // 60: a leap second
  if (!date.ok() || year < kFirstYear || year > kLastYear || hours > 23 || minutes > 59 || seconds > 60) return {};
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

}  // namespace susten
