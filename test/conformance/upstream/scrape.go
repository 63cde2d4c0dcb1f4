// SPDX-License-Identifier: Apache-2.0
//
// Prometheus's relabelling and text-parsing inputs through a running plimsoll: each case is a target
// that this program serves on loopback, and what the query API then says is compared with what
// Prometheus's packages make of the same bytes and rules.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// A target is one scrape job with one page; expected holds the samples in the order of the page.
type target struct {
	name        string
	page        string
	contentType string
	relabel     []map[string]any // metric_relabel_configs
	expected    []Row
	fails       string // why the scrape must fail; empty: it must not
	// The value of the one sample, where rules may remove every label by which to know it again; else zero.
	value float64
}

// reported are the series that a scrape adds.
var reported = regexp.MustCompile(`^(up|scrape_(duration_seconds|samples_scraped|samples_post_metric_relabeling|series_added))$`)

// targetLabels are attached to every sample of a target unless the page has them (honor_labels).
func targetLabels(t, instance string) labels.Labels {
	return labels.FromStrings("from", t, "instance", instance, "job", t)
}

// scrapeAll runs plimsoll against all targets until each was scraped; it returns every sample, and
// whether the scrape of a job was good.
func scrapeAll(o Options, listener net.Listener, targets []target) (rows []Row, up map[string]bool, err error) {
	byPath := map[string]target{}
	for _, t := range targets {
		byPath["/"+t.name] = t
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := byPath[r.URL.Path]
		w.Header().Set("Content-Type", t.contentType)
		_, _ = io.WriteString(w, t.page)
	})}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()

	dir, err := os.MkdirTemp("", "conform")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	var jobs []any
	for _, t := range targets {
		job := map[string]any{
			"job_name": t.name, "metrics_path": "/" + t.name, "scrape_interval": "1s", "honor_labels": true, "honor_timestamps": false,
			"static_configs": []any{map[string]any{"targets": []string{listener.Addr().String()}, "labels": map[string]string{"from": t.name}}},
		}
		if len(t.relabel) > 0 {
			job["metric_relabel_configs"] = t.relabel
		}
		jobs = append(jobs, job)
	}
	text, err := json.Marshal(map[string]any{"scrape_configs": jobs}) // JSON is YAML
	if err != nil {
		return nil, nil, err
	}
	file := filepath.Join(dir, "plimsoll.yml")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return nil, nil, err
	}
	c := exec.Command(o.Plimsoll, "--config.file", file, "--web.listen-address", "127.0.0.1:0")
	stderr, err := c.StderrPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := c.Start(); err != nil {
		return nil, nil, err
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	port, err := opsPort(stderr)
	if err != nil {
		return nil, nil, err
	}
	ask := func(expr string) (Answer, error) {
		res, err := http.Get("http://127.0.0.1:" + port + "/api/v1/query?query=" + url.QueryEscape(expr))
		if err != nil {
			return Answer{}, err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return Answer{}, err
		}
		return readAnswer(body)
	}
	up = map[string]bool{}
	for end := time.Now().Add(30 * time.Second); len(up) < len(targets); time.Sleep(100 * time.Millisecond) {
		a, err := ask("up")
		if err != nil {
			return nil, nil, err
		}
		for _, r := range a.Rows {
			up[r.Labels.Get("job")] = r.V[0] == 1
		}
		if time.Now().After(end) {
			return nil, nil, fmt.Errorf("only %d of %d targets were scraped", len(up), len(targets))
		}
	}
	a, err := ask(`{__name__=~".+"}`)
	if err != nil {
		return nil, nil, err
	}
	if a.failed() {
		return nil, nil, errors.New(a.Error)
	}
	for _, r := range a.Rows {
		if !reported.MatchString(r.Labels.Get(labels.MetricName)) {
			rows = append(rows, r)
		}
	}
	return rows, up, nil
}

var portLine = regexp.MustCompile(`ops listener on port (\d+)`)

func opsPort(stderr io.Reader) (string, error) {
	lines := bufio.NewScanner(stderr)
	var said []string
	for lines.Scan() {
		if m := portLine.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return m[1], nil
		}
		said = append(said, lines.Text())
	}
	return "", fmt.Errorf("plimsoll did not start: %s", strings.Join(said, "; "))
}

// judgeTargets compares what was scraped with what was expected.
func judgeTargets(o Options, r *Result, listener net.Listener, targets []target) {
	rows, up, err := scrapeAll(o, listener, targets)
	if err != nil {
		r.fail("%v", err)
		return
	}
	for _, t := range targets {
		want, got := Answer{Type: "vector", Rows: t.expected}, Answer{Type: "vector"}
		for _, row := range rows {
			if t.value != 0 && row.V[0] == t.value || t.value == 0 && row.Labels.Get("from") == t.name {
				got.Rows = append(got.Rows, row)
			}
		}
		d := Difference{}
		if t.fails == "" {
			d = compareUntimed(want, got)
		}
		switch {
		case up[t.name] != (t.fails == ""):
			r.fail("%s: the scrape's success is %v; Prometheus: %q\n    %.300q", t.name, up[t.name], t.fails, t.page)
		case d.found():
			r.fail("%s: %s: %s\n    %.300q", t.name, d.Kind, d.Detail, t.page)
		default:
			r.pass()
		}
	}
}

func compareUntimed(want, got Answer) Difference {
	for _, a := range []*Answer{&want, &got} {
		for i := range a.Rows {
			a.Rows[i].T = []int64{0}
		}
	}
	return compare(want, got, Rules{})
}
