// SPDX-License-Identifier: Apache-2.0
//
// Data of the shape that the public compliance queries ask about: three instances of a demo service,
// scraped every five seconds for ninety minutes, the same at every run.
package main

import (
	"fmt"
	"math"
	"math/rand"
	"sort"

	"github.com/prometheus/prometheus/model/labels"
)

const (
	demoEnd      = int64(1700000000000)
	demoInterval = 5000
	demoSamples  = 90 * 60000 / demoInterval
)

type demoInstance struct {
	r     *rand.Rand
	k     int
	name  string
	times []int64
	out   []Series
}

// add makes one series; next says the value of each scrape and whether there is one.
func (d *demoInstance) add(next func(i int) (float64, bool), name string, pairs ...string) {
	s := Series{Labels: labels.FromStrings(append([]string{labels.MetricName, name, "instance", d.name, "job", "demo"}, pairs...)...)}
	for i, t := range d.times {
		if v, ok := next(i); ok {
			s.Points = append(s.Points, Point{t, v})
		}
	}
	d.out = append(d.out, s)
}

func demoData() []Series {
	var out []Series
	for k := range 3 {
		d := &demoInstance{r: rand.New(rand.NewSource(int64(1000 + k))), k: k, name: fmt.Sprintf("demo.promlabs.com:1000%d", k)}
		for i := range demoSamples + 1 {
			// Each instance has its own place in the interval; now and then a scrape is some milliseconds late.
			t := demoEnd - int64(demoSamples-i)*demoInterval - int64(k)*1613
			if d.r.Intn(20) == 0 {
				t += int64(d.r.Intn(4))
			}
			d.times = append(d.times, t)
		}
		d.gauges()
		d.requests()
		out = append(out, d.out...)
	}
	return out
}

func (d *demoInstance) gauges() {
	r := d.r
	for _, m := range []struct {
		kind string
		base float64
	}{{"buffers", 1.2e8}, {"cached", 6e9}, {"free", 9e8}, {"used", 5e9}} {
		v := m.base * (1 + float64(d.k)/7)
		d.add(func(int) (float64, bool) { v += math.Floor(r.NormFloat64() * m.base / 500); return v, true }, "demo_memory_usage_bytes", "type", m.kind)
	}
	d.add(func(int) (float64, bool) { return float64(int(4) << d.k), true }, "demo_num_cpus")
	for j, mode := range []string{"idle", "system", "user"} {
		v := r.Float64() * 1e4
		d.add(func(i int) (float64, bool) {
			v += r.Float64() * float64(3-j) * 2
			if d.k == 2 && i%701 == 700 {
				v = 0 // a restart
			}
			return v, true
		}, "demo_cpu_usage_seconds_total", "mode", mode)
	}
	disk := 1e10 * float64(d.k+1)
	d.add(func(int) (float64, bool) { disk += 1e5 + r.NormFloat64()*1e6; return disk, true }, "demo_disk_usage_bytes")
	d.add(func(int) (float64, bool) { return 1.6e11, true }, "demo_disk_total_bytes")
	last := float64(d.times[0]/1000) - 400
	d.add(func(i int) (float64, bool) {
		if i%37 == 5*d.k {
			last = float64(d.times[i]/1000) - r.Float64()
		}
		return last, true
	}, "demo_batch_last_success_timestamp_seconds")
	d.add(func(i int) (float64, bool) { return 1, (i/60+d.k)%5 < 2 }, "demo_intermittent_metric")
	d.add(func(i int) (float64, bool) { return float64(i % 2), true }, "demo_is_holiday")
}

func (d *demoInstance) requests() {
	r := d.r
	bounds := []float64{0.0001, 0.00015, 0.000225, 0.0003375, 0.00050625, 0.000759375, 0.0011390625, 0.01, 0.1, 1, 10}
	for c, of := range [][3]string{{"GET", "/api/bar", "200"}, {"GET", "/api/foo", "200"}, {"GET", "/api/foo", "500"}, {"POST", "/api/bar", "200"}, {"POST", "/api/bar", "500"}, {"GET", "/api/nonexistent", "404"}} {
		counts := make([]float64, len(bounds)+1)
		rows, sums := make([][]float64, len(d.times)), make([]float64, len(d.times))
		sum := 0.0
		for i := range d.times {
			for range r.Intn(12) {
				v := r.ExpFloat64() * 0.0004 * float64(c+1)
				if r.Intn(50) == 0 {
					v *= 1000
				}
				sum += v
				counts[sort.SearchFloat64s(bounds, v)]++
			}
			row, total := make([]float64, len(counts)), 0.0
			for b, x := range counts {
				total += x
				row[b] = total
			}
			rows[i], sums[i] = row, sum
		}
		pairs := []string{"method", of[0], "path", of[1], "status", of[2]}
		for b := range counts {
			le := "+Inf"
			if b < len(bounds) {
				le = labels.FormatOpenMetricsFloat(bounds[b])
			}
			d.add(func(i int) (float64, bool) { return rows[i][b], true }, "demo_api_request_duration_seconds_bucket", append([]string{"le", le}, pairs...)...)
		}
		d.add(func(i int) (float64, bool) { return rows[i][len(bounds)], true }, "demo_api_request_duration_seconds_count", pairs...)
		d.add(func(i int) (float64, bool) { return sums[i], true }, "demo_api_request_duration_seconds_sum", pairs...)
	}
}
