package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"maps"
	"slices"

	"github.com/CycloneDX/cyclonedx-go"
)

// bill writes sbom.cdx.json: the modules that the executables say they are made of, and Go's own. It has no time and no serial
// number, which would make it another one each time.
func (r release) bill(executables []string) error {
	found := map[string]cyclonedx.Component{}
	for _, executable := range executables {
		info, err := buildinfo.ReadFile(executable)
		if err != nil {
			return fmt.Errorf("read what %s is made of: %w", executable, err)
		}
		add := func(name, version string) {
			url := "pkg:golang/" + name + "@" + version
			found[url] = cyclonedx.Component{
				BOMRef: url, PackageURL: url, Type: cyclonedx.ComponentTypeLibrary, Name: name, Version: version,
				Scope: cyclonedx.ScopeRequired,
			}
		}
		add("std", info.GoVersion)
		for _, module := range info.Deps {
			for module.Replace != nil {
				module = module.Replace
			}
			add(module.Path, module.Version)
		}
	}
	components := make([]cyclonedx.Component, 0, len(found))
	for _, url := range slices.Sorted(maps.Keys(found)) {
		components = append(components, found[url])
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Component: &cyclonedx.Component{
		BOMRef: "arngate", Type: cyclonedx.ComponentTypeApplication, Name: "arngate", Version: r.version,
		Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}},
	}}
	bom.Components = &components
	var text bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&text, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return fmt.Errorf("write bill: %w", err)
	}
	return r.write("sbom.cdx.json", text.Bytes())
}
