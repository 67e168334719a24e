package main

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// file is a file for a zip.
type file struct {
	name, path string
	executable bool
}

// below are the files below folder, named relative to it, by name.
func below(folder string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		files = append(files, file{name: filepath.ToSlash(name), path: path})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// zip writes a zip that depends on the files' names and bytes alone: every time is the first that a zip can hold.
func (r release) zip(name string, files []file) error {
	out, err := os.Create(filepath.Join(r.out, name))
	if err != nil {
		return fmt.Errorf("create zip: %w", err)
	}
	archive := zip.NewWriter(out)
	for _, f := range files {
		if err = add(archive, f); err != nil {
			break
		}
	}
	if closing := archive.Close(); err == nil {
		err = closing
	}
	if closing := out.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func add(archive *zip.Writer, f file) error {
	header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o644)
	if f.executable {
		header.SetMode(0o755)
	}
	to, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	from, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	_, err = io.Copy(to, from)
	return err
}

// checksums writes SHA256SUMS, as `sha256sum -c` reads it.
func (r release) checksums() error {
	files, err := below(r.out)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, f := range files {
		content, err := os.ReadFile(f.path)
		if err != nil {
			return fmt.Errorf("read file: %w", err)
		}
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(content), f.name)
	}
	return r.write("SHA256SUMS", []byte(text.String()))
}

func (r release) write(name string, content []byte) error {
	if err := os.WriteFile(filepath.Join(r.out, name), content, 0o644); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}

func keys[K comparable, V any](m map[K]V) iter.Seq[K] { return maps.Keys(m) }
