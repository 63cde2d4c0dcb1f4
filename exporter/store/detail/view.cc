// SPDX-License-Identifier: Apache-2.0
//
// The Querier over a view. Longer than most, because it is one state.
//
// The one rule that keeps a reader off memory that the writer has taken back: go from a chunk to
// the older one only when the samples wanted, or the view's oldest, lie before the chunk's first
// sample. The writer cuts a chunk off only when the one after it begins before what every pin can
// reach.
#include "store/detail/view.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "store/detail/chunk_decode.h"
#include "store/detail/chunk_reader.h"

namespace plimsoll::store {
namespace {

// Announces that the pin's holder touches chunks; tells whether it may.
class Visit {
 public:
  explicit Visit(Pin& pin, std::uint64_t serial) : pin_(pin) {
    pin_.busy.store(true, std::memory_order_seq_cst);
    allowed_ = pin_.broken.load(std::memory_order_seq_cst) != serial;
  }
  ~Visit() { pin_.busy.store(false, std::memory_order_release); }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  bool allowed() const { return allowed_; }

 private:
  Pin& pin_;
  bool allowed_;
};

// Asks for a chunk's two cache lines, if there is a chunk.
void Prefetch(const Chunk* chunk) {
  if (chunk == nullptr) return;
  __builtin_prefetch(chunk);
  __builtin_prefetch(reinterpret_cast<const char*>(chunk) + 64);
}

class ViewQuerier final : public Querier {
 public:
  ViewQuerier(Pins& pins, const base::Published<View>& views) : pin_(pins.Claim()) {
    serial_ = pin_.serial.load(std::memory_order_relaxed);
    view_ = views.Get();
    pin_.opened.store(view_->now, std::memory_order_relaxed);
    pin_.reach.store(view_->oldest, std::memory_order_release);
  }
  ~ViewQuerier() override {
    view_.reset();
    Pins::Release(pin_);
  }

  std::vector<SelectedSeries> Select(const model::Matchers& matchers, model::Time mint,
                                     model::Time maxt) override;
  void Read(SeriesRef ref, model::Time mint, model::Time maxt, SampleColumns& out) override;
  void Expect(std::span<const SelectedSeries> following) override;
  std::optional<Latest> ReadLatest(SeriesRef ref, model::Time mint, model::Time maxt) override;
  bool IsRecorded(SeriesRef ref) const override;
  model::Time RecordedSource(SeriesRef ref) const override;
  model::Time OldestComplete() const override { return view_->oldest; }
  std::uint64_t TableVersion() const override { return view_->table->version; }
  bool Broken() const override { return pin_.broken.load(std::memory_order_seq_cst) == serial_; }

 private:
  const HotSeries* PlaceOf(SeriesRef ref) const;
  const HotSeries* HotOfRef(SeriesRef ref) const;
  bool Visible(Slot slot) const { return slot != kNoSlot && SlotBefore(slot, view_->limit); }
  model::Time TimeOf(Slot slot) const { return view_->slots->TimeOf(slot); }
  bool MayHave(const HotSeries& hot, model::Time mint) const;
  bool ReachesBefore(const Chunk& chunk, model::Time mint) const;
  std::size_t Decode(const Chunk& chunk, std::size_t begin);
  void Take(std::size_t begin, model::Time mint, model::Time maxt, SampleColumns& out);
  bool LiesAsBefore(std::size_t begin, model::Time mint, model::Time maxt) const;
  void FindTimes(std::size_t begin, model::Time mint, model::Time maxt);
  std::optional<Latest> LatestIn(const Chunk& chunk, model::Time maxt) const;
  std::optional<Latest> FindLatest(const HotSeries& hot, model::Time mint, model::Time maxt) const;
  std::optional<std::pair<Latest, bool>> NewestOf(SeriesRef ref) const;

  Pin& pin_;
  std::uint64_t serial_ = 0;
  std::shared_ptr<const View> view_;
  const HotSeries* expected_ = nullptr;  // read after the next one
  // Of the series being read, oldest first; filled from the end.
  std::vector<Slot> slots_;
  std::vector<double> values_;
  Known known_;  // of them
  // What was taken last: most series have the same slots as the one before.
  struct Taken {
    model::Time mint = 0, maxt = 0;
    std::vector<Slot> slots;
    std::vector<model::Time> times;
    std::size_t behind = 0;  // so many later samples had been decoded, the first of them in
    Slot next = kNoSlot;     // this slot
    std::uint64_t name = 0;  // SampleColumns::times_name
  };
  Taken before_;
  std::uint64_t names_ = 0;
};

// Where the series is, or was.
const HotSeries* ViewQuerier::PlaceOf(SeriesRef ref) const {
  const PageDirectory& pages = view_->table->pages;
  return IndexOf(ref) >> kPageBits < pages.size() ? &HotOf(pages, IndexOf(ref)) : nullptr;
}

const HotSeries* ViewQuerier::HotOfRef(SeriesRef ref) const {
  const HotSeries* const hot = PlaceOf(ref);
  if (hot == nullptr) return nullptr;
  return hot->generation.load(std::memory_order_acquire) == GenerationOf(ref) ? hot : nullptr;
}

// Whether samples of `mint` or later may lie in chunks older than this one; see above.
bool ViewQuerier::ReachesBefore(const Chunk& chunk, model::Time mint) const {
  return !Visible(chunk.first_slot) || TimeOf(chunk.first_slot) > mint;
}

void ViewQuerier::Expect(std::span<const SelectedSeries> following) {
  expected_ = following.empty() ? nullptr : HotOfRef(following[0].ref);
  if (following.size() > 1) __builtin_prefetch(PlaceOf(following[1].ref));
}

// A newest sample that this view does not see says nothing about older ones.
bool ViewQuerier::MayHave(const HotSeries& hot, model::Time mint) const {
  if (hot.head.load(std::memory_order_acquire) == nullptr) return false;
  const Slot newest = hot.newest_slot.load(std::memory_order_acquire);
  return !Visible(newest) || TimeOf(newest) >= mint;
}

std::vector<SelectedSeries> ViewQuerier::Select(const model::Matchers& matchers, model::Time mint,
                                                model::Time maxt) {
  std::vector<SelectedSeries> selected;
  const model::Time oldest = std::max(mint, view_->oldest);
  if (Broken() || maxt < oldest) return selected;
  const Table& table = *view_->table;
  for (const auto& segment : table.segments) {
    const auto middle = static_cast<std::ptrdiff_t>(selected.size());
    for (const std::uint32_t rank : segment->Match(matchers)) {
      const std::uint32_t index = segment->IndexAt(rank);
      const HotSeries& hot = HotOf(table.pages, index);
      if (!MayHave(hot, oldest)) continue;
      const std::uint32_t generation = hot.generation.load(std::memory_order_relaxed);
      selected.push_back({MakeRef(index, generation), &ColdOf(table.pages, index).labels});
    }
    std::inplace_merge(
        selected.begin(), selected.begin() + middle, selected.end(),
        [](const SelectedSeries& a, const SelectedSeries& b) { return *a.labels < *b.labels; });
  }
  return selected;
}

void ViewQuerier::Read(SeriesRef ref, model::Time mint, model::Time maxt, SampleColumns& out) {
  const HotSeries* const hot = HotOfRef(ref);
  const HotSeries* const expected = std::exchange(expected_, nullptr);
  const Visit visit(pin_, serial_);
  if (hot == nullptr || !visit.allowed()) return;
  mint = std::max(mint, view_->oldest);
  // Newest first, which is how they are linked; the next one comes from memory meanwhile, and so do
  // those of the series read after this one.
  const Chunk* ahead =
      expected == nullptr ? nullptr : expected->head.load(std::memory_order_acquire);
  Prefetch(ahead);
  std::size_t begin = slots_.size();
  known_ = {};
  for (const Chunk* chunk = hot->head.load(std::memory_order_acquire); chunk != nullptr;) {
    const Chunk* const older = chunk->older.load(std::memory_order_acquire);
    Prefetch(older);
    if (Visible(chunk->first_slot)) {
      const model::Time first = TimeOf(chunk->first_slot);
      if (first <= maxt) begin = Decode(*chunk, begin);
      if (first <= mint) break;
    }
    chunk = older;
    if (ahead == nullptr) continue;
    ahead = ReachesBefore(*ahead, mint) ? ahead->older.load(std::memory_order_acquire) : nullptr;
    Prefetch(ahead);
  }
  Take(begin, mint, maxt, out);
}

// Puts a chunk in front of what has been decoded. Returns: where it begins.
std::size_t ViewQuerier::Decode(const Chunk& chunk, std::size_t begin) {
  const std::size_t size = chunk.count.load(std::memory_order_acquire);
  if (begin < size) {
    const std::size_t more = slots_.size() + size;
    slots_.insert(slots_.begin(), more, kNoSlot);
    values_.insert(values_.begin(), more, 0);
    begin += more;
  }
  begin -= size;
  double* const values = values_.data() + begin;
  const Known known = DecodeChunk(chunk, size, slots_.data() + begin, values);
  known_.numbers = known_.numbers && known.numbers;
  known_.rising = known_.rising && known.rising &&
                  (begin + size == values_.size() || values[size - 1] <= values[size]);
  return begin;
}

void ViewQuerier::Take(std::size_t begin, model::Time mint, model::Time maxt, SampleColumns& out) {
  if (!LiesAsBefore(begin, mint, maxt)) FindTimes(begin, mint, maxt);
  const bool alone = out.size() == 0;
  const auto last = values_.end() - static_cast<std::ptrdiff_t>(before_.behind);
  out.values.insert(out.values.end(), last - static_cast<std::ptrdiff_t>(before_.slots.size()),
                    last);
  out.times.insert(out.times.end(), before_.times.begin(), before_.times.end());
  out.times_name = alone ? before_.name : 0;
  out.numbers = known_.numbers && (alone || out.numbers);
  out.rising = known_.rising && alone;
}

// Whether what is wanted of the series read now has the slots, and the place, of what was taken of
// the one before.
bool ViewQuerier::LiesAsBefore(std::size_t begin, model::Time mint, model::Time maxt) const {
  const std::size_t size = before_.slots.size(), behind = before_.behind;
  if (before_.name == 0 || mint != before_.mint || maxt != before_.maxt ||
      slots_.size() - begin < size + behind) {
    return false;
  }
  const Slot* const last = slots_.data() + slots_.size() - behind;
  const Slot* const first = last - size;
  if (behind != 0 && *last != before_.next) return false;
  if (std::memcmp(first, before_.slots.data(), size * sizeof(Slot)) != 0) return false;
  return first == slots_.data() + begin || TimeOf(first[-1]) < mint;
}

// Slots and times rise alike, so what is wanted is found before times are looked up.
void ViewQuerier::FindTimes(std::size_t begin, model::Time mint, model::Time maxt) {
  const Slot* const slots = slots_.data() + begin;
  const Slot* const end = slots_.data() + slots_.size();
  const Slot* const visible =
      std::partition_point(slots, end, [&](Slot slot) { return Visible(slot); });
  const Slot* const first =
      std::partition_point(slots, visible, [&](Slot slot) { return TimeOf(slot) < mint; });
  const Slot* const last =
      std::partition_point(first, visible, [&](Slot slot) { return TimeOf(slot) <= maxt; });
  before_.mint = mint;
  before_.maxt = maxt;
  before_.slots.assign(first, last);
  before_.behind = static_cast<std::size_t>(end - last);
  before_.next = last == end ? kNoSlot : *last;
  before_.times.resize(before_.slots.size());
  // Where nothing lies says nothing of other series.
  before_.name = first == last ? 0 : ++names_;
  model::Time* time = before_.times.data();
  // The times of neighbouring slots lie in one block.
  for (const Slot* slot = first; slot != last;) {
    const Slot number = *slot >> kSlotBlockBits;
    const SlotBlock& block = view_->slots->BlockOf(*slot);
    for (; slot != last && *slot >> kSlotBlockBits == number; ++slot)
      *time++ = block.times[*slot & (kSlotsPerBlock - 1)];
  }
}

std::optional<Latest> ViewQuerier::ReadLatest(SeriesRef ref, model::Time mint, model::Time maxt) {
  const HotSeries* const hot = HotOfRef(ref);
  if (hot == nullptr) return std::nullopt;
  const NewestSample newest = ReadNewest(*hot);
  if (Visible(newest.slot)) {
    const model::Time time = TimeOf(newest.slot);
    if (time < mint || time < view_->oldest) return std::nullopt;
    if (time <= maxt) {
      return Latest{{time, std::bit_cast<double>(newest.bits)}, SourceOf(time, newest.lag)};
    }
  }
  const Visit visit(pin_, serial_);
  if (!visit.allowed()) return std::nullopt;
  return FindLatest(*hot, std::max(mint, view_->oldest), maxt);
}

// Requires: the first sample is visible and not after `maxt`.
std::optional<Latest> ViewQuerier::LatestIn(const Chunk& chunk, model::Time maxt) const {
  const auto within = [&](Slot slot) { return Visible(slot) && TimeOf(slot) <= maxt; };
  if (!chunk.kind.recorded) {
    std::array<Slot, kMostSamples> slots;
    std::array<double, kMostSamples> values;
    const std::size_t size = chunk.count.load(std::memory_order_acquire);
    DecodeChunk(chunk, size, slots.data(), values.data());
    const Slot* const end = std::partition_point(slots.data(), slots.data() + size, within);
    const model::Time time = TimeOf(end[-1]);
    return Latest{{time, values[static_cast<std::size_t>(end - slots.data()) - 1]}, time};
  }
  std::optional<Latest> latest;
  ChunkReader reader(chunk);
  while (reader.Next() && within(reader.sample().slot)) {
    const model::Time time = TimeOf(reader.sample().slot);
    latest = Latest{{time, std::bit_cast<double>(reader.sample().bits)},
                    SourceOf(time, reader.sample().lag)};
  }
  return latest;
}

std::optional<Latest> ViewQuerier::FindLatest(const HotSeries& hot, model::Time mint,
                                              model::Time maxt) const {
  for (const Chunk* chunk = hot.head.load(std::memory_order_acquire); chunk != nullptr;
       chunk = chunk->older.load(std::memory_order_acquire)) {
    if (!Visible(chunk->first_slot)) continue;
    const model::Time first = TimeOf(chunk->first_slot);
    if (first <= maxt) {
      const auto latest = LatestIn(*chunk, maxt);
      return latest && latest->sample.time >= mint ? latest : std::nullopt;
    }
    if (first <= mint) break;
  }
  return std::nullopt;
}

// Returns: the newest sample of the view, and whether it is a recorded one.
std::optional<std::pair<Latest, bool>> ViewQuerier::NewestOf(SeriesRef ref) const {
  const HotSeries* const hot = HotOfRef(ref);
  if (hot == nullptr) return std::nullopt;
  const NewestSample newest = ReadNewest(*hot);
  const bool recorded = newest.lag != HotSeries::kScraped;
  if (Visible(newest.slot)) {
    const model::Time time = TimeOf(newest.slot);
    return std::pair{Latest{{time, 0}, SourceOf(time, newest.lag)}, recorded};
  }
  const Visit visit(pin_, serial_);
  if (!visit.allowed()) return std::nullopt;
  const auto latest = FindLatest(*hot, view_->oldest, INT64_MAX);
  if (!latest) return std::nullopt;
  return std::pair{*latest, recorded};
}

bool ViewQuerier::IsRecorded(SeriesRef ref) const {
  const auto newest = NewestOf(ref);
  return newest && newest->second;
}

model::Time ViewQuerier::RecordedSource(SeriesRef ref) const {
  const auto newest = NewestOf(ref);
  return newest && newest->second ? newest->first.source : model::kNoSource;
}

}  // namespace

std::unique_ptr<Querier> OpenQuerier(Pins& pins, const base::Published<View>& views) {
  return std::make_unique<ViewQuerier>(pins, views);
}

}  // namespace plimsoll::store
