// SPDX-License-Identifier: Apache-2.0
//
// Test series, and the history form that `plimsoll eval --data` reads.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// Point is one float sample; milliseconds since the epoch.
type Point struct {
	T int64
	V float64
}

// Series is a label set with its samples in time order.
type Series struct {
	Labels labels.Labels
	Points []Point
}

// formatValue spells a value as the history form does.
func formatValue(v float64) string {
	switch {
	case value.IsStaleNaN(v):
		return "stale"
	case math.IsInf(v, 1):
		return "+Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func parseValue(s string) (float64, error) {
	if s == "stale" {
		return math.Float64frombits(value.StaleNaN), nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err == nil && math.IsNaN(v) {
		v = math.Float64frombits(value.NormalNaN)
	}
	return v, err
}

// seconds writes milliseconds as seconds, exactly.
func seconds(ms int64) string {
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	if ms%1000 == 0 {
		return fmt.Sprintf("%s%d", sign, ms/1000)
	}
	return fmt.Sprintf("%s%d.%03d", sign, ms/1000, ms%1000)
}

// appendElement writes one series as an element of a Prometheus matrix.
func appendElement(b []byte, s Series) []byte {
	m, err := json.Marshal(s.Labels.Map())
	if err != nil {
		panic(err) // strings only
	}
	b = append(append(b, `{"metric":`...), m...)
	b = append(b, `,"values":[`...)
	for i, p := range s.Points {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, '['), seconds(p.T)...)
		b = append(append(append(b, `,"`...), formatValue(p.V)...), `"]`...)
	}
	return append(b, "]}"...)
}

func writeHistory(w io.Writer, ss []Series) error {
	bw := bufio.NewWriterSize(w, 1<<16)
	var line []byte
	for _, s := range ss {
		line = append(appendElement(line[:0], s), '\n')
		if _, err := bw.Write(line); err != nil {
			return err
		}
	}
	return bw.Flush()
}
