// SPDX-License-Identifier: Apache-2.0
//
// The tested side: `plimsoll eval --data FILE -` as a process that is started anew for other data.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Product is one running `plimsoll eval`, or none.
type Product struct {
	binary   string
	settings Settings
	patience time.Duration // longest wait for one answer
	dir      string        // of the data file

	data []Series
	cmd  *exec.Cmd
	in   *bufio.Writer
	out  *bufio.Reader
}

func newProduct(binary string, settings Settings) (*Product, error) {
	dir, err := os.MkdirTemp("", "conform")
	return &Product{binary: binary, settings: settings, patience: 30 * time.Second, dir: dir}, err
}

func (p *Product) close() {
	p.stop()
	_ = os.RemoveAll(p.dir)
}

func (p *Product) stop() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// hold makes `data` what the next queries see.
func (p *Product) hold(data []Series) error {
	p.data = data
	return p.start()
}

func (p *Product) start() error {
	p.stop()
	file := filepath.Join(p.dir, "history.jsonl")
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := errors.Join(writeHistory(f, p.data), f.Close()); err != nil {
		return err
	}
	args := append([]string{"eval"}, p.settings.flags()...)
	if len(p.data) > 0 {
		args = append(args, "--data", file)
	}
	c := exec.Command(p.binary, append(args, "-")...)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	p.cmd, p.in, p.out = c, bufio.NewWriterSize(in, 1<<16), bufio.NewReaderSize(out, 1<<20)
	return nil
}

func (p *Product) talk(line []byte) ([]byte, error) {
	if p.cmd == nil {
		if err := p.start(); err != nil {
			return nil, err
		}
	}
	timer := time.AfterFunc(p.patience, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_, err := p.in.Write(append(line, '\n'))
	if err == nil {
		err = p.in.Flush()
	}
	var reply []byte
	if err == nil {
		reply, err = p.out.ReadBytes('\n')
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("the tested program died or was silent for %s: %w", p.patience, err)
	}
	return reply, nil
}

// ask returns a failure of type "internal" when the program dies; the next query starts a new one.
func (p *Product) ask(q Query) Answer {
	reply, err := p.talk(q.line())
	if err != nil {
		return failure("internal", err.Error())
	}
	a, err := readAnswer(reply)
	if err != nil {
		return failure("internal", "undecodable answer: "+err.Error())
	}
	return a
}

// askAll answers many queries while `meanwhile` runs; in order.
func (p *Product) askAll(qs []Query, meanwhile func()) []Answer {
	if p.cmd == nil {
		if err := p.start(); err != nil {
			return []Answer{failure("internal", err.Error())}
		}
	}
	cmd, in := p.cmd, p.in
	done, written := make(chan []Answer), make(chan bool)
	timer := time.AfterFunc(p.patience+time.Duration(len(qs))*100*time.Millisecond, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	go func() {
		defer close(written)
		for _, q := range qs {
			if _, err := in.Write(append(q.line(), '\n')); err != nil {
				return
			}
		}
		_ = in.Flush()
	}()
	go func() {
		var answers []Answer
		for range qs {
			reply, err := p.out.ReadBytes('\n')
			if err != nil {
				break
			}
			a, err := readAnswer(reply)
			if err != nil {
				a = failure("internal", "undecodable answer: "+err.Error())
			}
			answers = append(answers, a)
		}
		done <- answers
	}()
	meanwhile()
	answers := <-done
	if len(answers) < len(qs) {
		_ = cmd.Process.Kill() // or the writer might wait for ever
	}
	<-written
	if len(answers) < len(qs) {
		p.stop()
		for len(answers) < len(qs) {
			answers = append(answers, p.ask(qs[len(answers)])) // finds which query it was
		}
	}
	return answers
}
