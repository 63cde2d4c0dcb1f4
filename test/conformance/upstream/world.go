// SPDX-License-Identifier: Apache-2.0
//
// Random data: metrics as engines and exporters have them, with everything that goes wrong with data:
// gaps, resets, late and vanished series, staleness markers, NaN and Inf, and numbers of very
// different size.
package main

import (
	"fmt"
	"math"
	"math/rand"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// World is one set of data and what the generator of expressions knows of it.
type World struct {
	Series     []Series
	Start, End int64 // milliseconds
	families   []family
}

// A family's shape says which labels tell its series apart: "instance" is job and instance, "job" is job alone,
// "more" has further ones.
type family struct{ name, shape string }

const scrapeInterval = 15000

func newWorld(seed int64) *World {
	r := rand.New(rand.NewSource(seed))
	starts := []int64{0, 1600000000000, -600000, 1700000007123}
	w := &World{Start: starts[r.Intn(len(starts))]}
	steps := 80 + r.Intn(80)
	w.End = w.Start + int64(steps)*scrapeInterval
	m := maker{w: w, r: r, steps: steps}

	jobs := []string{"api", "db"}
	instances := []string{"a:1", "b:1", "c:1"}
	for _, f := range []struct {
		name string
		kind valueKind
	}{{"memory_bytes", gauge}, {"temperature", gauge}, {"up", upDown}, {"odd", odd}, {"whole", whole}, {"huge", huge}, {"done_total", counter}} {
		m.family(f.name, "instance")
		for _, j := range jobs {
			for _, i := range instances {
				m.add(f.kind, f.name, "job", j, "instance", i)
			}
		}
	}
	m.family("requests_total", "more")
	m.family("cpu_seconds_total", "more")
	for _, j := range jobs {
		for _, i := range instances {
			for _, code := range []string{"200", "404", "500"} {
				m.add(counter, "requests_total", "job", j, "instance", i, "code", code)
			}
			for _, mode := range []string{"user", "system"} {
				m.add(counter, "cpu_seconds_total", "job", j, "instance", i, "mode", mode)
			}
		}
	}
	m.family("build_info", "job")
	m.family("limit_bytes", "job")
	m.family("sparse", "job")
	for _, j := range jobs {
		m.add(one, "build_info", "job", j, "version", "v"+j)
		m.add(gauge, "limit_bytes", "job", j)
		m.addEvery(200000, gauge, "sparse", "job", j)
	}
	m.family("latency_seconds_bucket", "more")
	for _, j := range jobs {
		for _, i := range instances[:2] {
			m.histogram("latency_seconds", j, i)
		}
	}
	m.add(counter, "latency_seconds_bucket", "job", "api", "instance", "z:1", "le", "bad")
	m.add(counter, "latency_seconds_bucket", "job", "api", "instance", "z:1")
	m.family(`{"queue.depth"}`, "instance")
	for _, i := range instances {
		m.add(gauge, "queue.depth", "job", "api", "instance", i, "tier.name", "x")
	}
	m.add(gauge, "", "job", "api", "instance", "nameless")
	return w
}

type valueKind int

const (
	gauge valueKind = iota
	counter
	upDown
	odd
	whole
	huge
	one
)

type maker struct {
	w     *World
	r     *rand.Rand
	steps int
}

func (m *maker) family(name, shape string) {
	m.w.families = append(m.w.families, family{name, shape})
}

// next makes the values of one series, one call after the other.
func (m *maker) next(kind valueKind) func() float64 {
	r := m.r
	v := []float64{0, 1, 5, 100.5}[r.Intn(4)]
	fractions := r.Intn(2) == 0
	return func() float64 {
		switch kind {
		case counter:
			if r.Intn(35) == 0 {
				v = float64(r.Intn(2)) * r.Float64()
			} else if fractions {
				v += r.Float64() * 10
			} else {
				v += float64(r.Intn(12))
			}
		case gauge:
			switch r.Intn(8) {
			case 0:
			case 1:
				v = -v
			case 2:
				v = 0
			case 3:
				v = math.Round(v)
			default:
				v += (r.Float64() - 0.5) * 20
			}
		case upDown:
			if r.Intn(6) == 0 {
				v = 1 - math.Min(1, math.Abs(v))
			}
			v = math.Min(1, math.Abs(v))
		case odd:
			v = []float64{1, 2, 3, 0.5, math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), -7.25}[r.Intn(10)]
		case whole:
			v = float64(r.Intn(9) - 2)
		case huge:
			v = []float64{1e16, 1, -1e16, 3.3, 1e300, -1e300, 1e-300, 5e15 + 1, 0.1, 1.7e308}[r.Intn(10)]
		case one:
			v = 1
		}
		return v
	}
}

func (m *maker) add(kind valueKind, name string, pairs ...string) {
	m.addEvery(scrapeInterval, kind, name, pairs...)
}

func (m *maker) addEvery(interval int64, kind valueKind, name string, pairs ...string) {
	m.put(interval, m.next(kind), name, pairs...)
}

func (m *maker) put(interval int64, next func() float64, name string, pairs ...string) {
	r := m.r
	lost := []float64{0, 0, 0, 0.1, 0.5}[r.Intn(5)]
	staleness := []float64{0, 0, 0, 0.02}[r.Intn(4)]
	jitter := []int{0, 0, 0, 400, 7000}[r.Intn(5)]
	phase := []int64{0, 0, 0, 7000, 1, -1}[r.Intn(6)]
	// A series may begin late, end early (with a marker, as a vanished target's does), and come back.
	from, to := m.w.Start+phase, m.w.End
	if r.Intn(8) == 0 {
		from += r.Int63n(m.w.End - m.w.Start)
	}
	if r.Intn(8) == 0 {
		to -= r.Int63n(m.w.End - m.w.Start)
	}
	s := Series{Labels: labels.FromStrings(append(pairs, nameLabel(name)...)...)}
	last := int64(math.MinInt64)
	for t := from; t <= to; t += interval {
		v := next()
		at := t
		if jitter > 0 && r.Intn(3) == 0 {
			at += int64(r.Intn(jitter))
		}
		if r.Float64() < lost || at <= last {
			continue
		}
		if r.Float64() < staleness || to < m.w.End && t+interval > to {
			v = math.Float64frombits(value.StaleNaN)
		}
		s.Points = append(s.Points, Point{at, v})
		last = at
	}
	if len(s.Points) > 0 {
		m.w.Series = append(m.w.Series, s)
	}
}

func nameLabel(name string) []string {
	if name == "" {
		return nil
	}
	return []string{labels.MetricName, name}
}

// histogram makes cumulative buckets that mostly are what they should be.
func (m *maker) histogram(name, job, instance string) {
	bounds := []string{"0.1", "0.5", "1", "5", "+Inf"}
	if m.r.Intn(4) == 0 {
		bounds = bounds[:4] // no +Inf
	}
	if m.r.Intn(4) == 0 {
		bounds = append([]string{"-1"}, bounds...)
	}
	counts := make([]float64, m.steps*2)
	for _, le := range bounds {
		i, total := 0, 0.0
		grow, torn := m.r.Float64()*4, m.r.Intn(5) == 0
		m.put(scrapeInterval, func() float64 {
			if m.r.Intn(3) == 0 {
				total += math.Floor(m.r.Float64() * grow * 3)
			}
			counts[i] += total
			i++
			if torn && m.r.Intn(20) == 0 {
				return math.Max(0, counts[i-1]-1)
			}
			return counts[i-1]
		}, name+"_bucket", "job", job, "instance", instance, "le", le)
	}
}

// slices cuts the data into n pieces of consecutive time.
func (w *World) slices(n int) [][]Series {
	out := make([][]Series, n)
	lo, hi := w.Start-60000, w.End+60000
	for _, s := range w.Series {
		rest := s.Points
		for i := range n {
			end := lo + (hi-lo)*int64(i+1)/int64(n)
			k, _ := slices.BinarySearchFunc(rest, end, func(p Point, t int64) int { return int(min(1, max(-1, p.T-t))) })
			if k > 0 {
				out[i] = append(out[i], Series{s.Labels, rest[:k]})
			}
			rest = rest[k:]
		}
	}
	return out
}

func (w *World) String() string {
	return fmt.Sprintf("%d series from %s to %s", len(w.Series), seconds(w.Start), seconds(w.End))
}
