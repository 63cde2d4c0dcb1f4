// SPDX-License-Identifier: Apache-2.0
//
// What a query engine can be told, for both engines: the reference's options and our flags.
package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// Settings of an engine. The zero value of a switch is the default of a Prometheus server.
type Settings struct {
	Lookback, SubqueryStep, Timeout time.Duration
	MaxSamples                      int
	ChunkSamples                    int // of the tested store; 0: its own choice
	ExperimentalFunctions           bool
	ExtendedRangeSelectors          bool
	BinopFill                       bool
	DelayedNameRemoval              bool
	StartTimestamps                 bool
}

func serverSettings() Settings {
	return Settings{Lookback: 5 * time.Minute, SubqueryStep: time.Minute, Timeout: 2 * time.Minute, MaxSamples: 50000000}
}

func (s Settings) parserOptions() parser.Options {
	return parser.Options{
		EnableExperimentalFunctions:  s.ExperimentalFunctions,
		ExperimentalDurationExpr:     true, // stable; the switch is a relic
		EnableExtendedRangeSelectors: s.ExtendedRangeSelectors,
		EnableBinopFillModifiers:     s.BinopFill,
	}
}

func (s Settings) engine() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples:               s.MaxSamples,
		Timeout:                  s.Timeout,
		LookbackDelta:            s.Lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return s.SubqueryStep.Milliseconds() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		EnableDelayedNameRemoval: s.DelayedNameRemoval,
		UseStartTimestamps:       s.StartTimestamps,
		Parser:                   parser.NewParser(s.parserOptions()),
	})
}

// switches are the feature flags by the names that Prometheus and plimsoll share.
func (s *Settings) switches() map[string]*bool {
	return map[string]*bool{
		"promql-experimental-functions":   &s.ExperimentalFunctions,
		"promql-extended-range-selectors": &s.ExtendedRangeSelectors,
		"promql-binop-fill-modifiers":     &s.BinopFill,
		"promql-delayed-name-removal":     &s.DelayedNameRemoval,
	}
}

// enable switches features on by name.
func (s *Settings) enable(list string) error {
	for _, name := range strings.Split(list, ",") {
		if name == "" {
			continue
		}
		on := s.switches()[name]
		if on == nil {
			return fmt.Errorf("unknown feature %q", name)
		}
		*on = true
	}
	return nil
}

// flags are the arguments of `plimsoll eval`.
func (s Settings) flags() []string {
	ms := func(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }
	out := []string{
		"--query.lookback-delta", ms(s.Lookback), "--evaluation-interval", ms(s.SubqueryStep),
		"--query.timeout", ms(s.Timeout), "--query.max-samples", fmt.Sprint(s.MaxSamples),
	}
	if s.ChunkSamples > 0 {
		out = append(out, "--data.chunk-samples", fmt.Sprint(s.ChunkSamples))
	}
	var on []string
	for name, set := range s.switches() {
		if *set {
			on = append(on, name)
		}
	}
	if len(on) > 0 {
		out = append(out, "--enable-feature", strings.Join(on, ","))
	}
	return out
}
