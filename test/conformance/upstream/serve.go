// SPDX-License-Identifier: Apache-2.0
//
// The reference behind the command line of `plimsoll eval`: what the program is tried on before it
// judges anything, and, built with a fault in it (faults.go), what the generator is judged by.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

func appendQuoted(b []byte, s string) []byte {
	j, _ := json.Marshal(s) // a string
	return append(b, j...)
}

func appendPair(b []byte, t int64, v float64) []byte {
	b = append(append(append(b, '['), seconds(t)...), ',')
	return append(appendQuoted(b, strconv.FormatFloat(v, 'g', -1, 64)), ']')
}

// appendBody writes an answer as the HTTP API does, near enough for readAnswer.
func appendBody(b []byte, a Answer) []byte {
	if a.failed() {
		b = appendQuoted(append(b, `{"status":"error","errorType":`...), a.ErrorType)
		return append(appendQuoted(append(b, `,"error":`...), a.Error), '}')
	}
	b = appendQuoted(append(b, `{"status":"success","data":{"resultType":`...), a.Type)
	b = append(b, `,"result":`...)
	switch a.Type {
	case "scalar":
		b = appendPair(b, a.Rows[0].T[0], a.Rows[0].V[0])
	case "string":
		b = append(appendQuoted(fmt.Appendf(b, "[%s,", seconds(a.Rows[0].T[0])), a.Text), ']')
	default:
		b = append(b, '[')
		for i, r := range a.Rows {
			if i > 0 {
				b = append(b, ',')
			}
			m, _ := json.Marshal(r.Labels.Map())
			b = append(append(b, `{"metric":`...), m...)
			if a.Type == "vector" {
				b = append(appendPair(append(b, `,"value":`...), r.T[0], r.V[0]), '}')
				continue
			}
			b = append(b, `,"values":[`...)
			for k := range r.T {
				if k > 0 {
					b = append(b, ',')
				}
				b = appendPair(b, r.T[k], r.V[k])
			}
			b = append(b, "]}"...)
		}
		b = append(b, ']')
	}
	b = append(b, '}')
	for _, notes := range []struct {
		name string
		list []string
	}{{"warnings", a.Warnings}, {"infos", a.Infos}} {
		if len(notes.list) > 0 {
			j, _ := json.Marshal(notes.list)
			b = append(fmt.Appendf(b, `,"%s":`, notes.name), j...)
		}
	}
	return append(b, '}')
}

func readHistory(text string) ([]Series, error) {
	var out []Series
	for _, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var e struct {
			Metric map[string]string
			Values []pair
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return nil, err
		}
		s := Series{Labels: labels.FromMap(e.Metric)}
		for _, p := range e.Values {
			v, err := parseValue(p.s)
			if err != nil {
				return nil, err
			}
			s.Points = append(s.Points, Point{p.t, v})
		}
		out = append(out, s)
	}
	return out, nil
}

// serveReference is `conform eval --data FILE [flags] -`.
func serveReference(args []string) error {
	s := serverSettings()
	fs := flag.NewFlagSet("eval", flag.ContinueOnError)
	data := fs.String("data", "", "history")
	fs.DurationVar(&s.Lookback, "query.lookback-delta", s.Lookback, "")
	fs.DurationVar(&s.SubqueryStep, "evaluation-interval", s.SubqueryStep, "")
	fs.DurationVar(&s.Timeout, "query.timeout", s.Timeout, "")
	fs.IntVar(&s.MaxSamples, "query.max-samples", s.MaxSamples, "")
	fs.Int("data.chunk-samples", 0, "")
	features := fs.String("enable-feature", "", "")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := s.enable(*features); err != nil {
		return err
	}
	memory := newMemory(nil)
	if *data != "" {
		text, err := os.ReadFile(*data)
		if err != nil {
			return err
		}
		series, err := readHistory(string(text))
		if err != nil {
			return err
		}
		memory.add(faultyData(series))
	}
	switch os.Getenv(faultVariable) {
	case "left-closed-lookback":
		s.Lookback += time.Millisecond
	case "default-step":
		s.SubqueryStep = 59 * time.Second
	case "left-closed-range":
		memory.Wider = 1
	case "regex-unanchored":
		memory.Unanchored = true
	}
	engine := s.engine()
	in, out := bufio.NewReaderSize(os.Stdin, 1<<16), bufio.NewWriterSize(os.Stdout, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return out.Flush()
		}
		var q struct {
			Expr, History          string
			Time, Start, End, Step *float64
		}
		if err := json.Unmarshal(line, &q); err != nil {
			return err
		}
		var body []byte
		if q.History != "" {
			series, err := readHistory(q.History)
			if err != nil {
				return err
			}
			memory.add(faultyData(series))
			body = []byte(`{"status":"success"}`)
		} else {
			ms := func(f *float64) int64 {
				if f == nil {
					return 0
				}
				return int64(math.Round(*f * 1000))
			}
			body = appendBody(nil, reference(engine, memory, Query{q.Expr, ms(q.Time), ms(q.Start), ms(q.End), ms(q.Step)}))
		}
		if _, err := out.Write(append(body, '\n')); err != nil {
			return err
		}
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}
