package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// template writes the repository's template with the zips of one architecture in place of sources, for `sam deploy`.
func (r release) template(architecture string) error {
	text, err := os.ReadFile(filepath.Join(r.root, "template.yaml"))
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	top := document.Content[0]
	remove(find(top, "Globals", "Function"), "CodeUri")
	find(top, "Parameters", "Architecture", "Default").Value = architectures()[architecture]
	resources := find(top, "Resources")
	for i := 1; i < len(resources.Content); i += 2 {
		resource := resources.Content[i]
		if find(resource, "Type").Value != "AWS::Serverless::Function" {
			continue
		}
		function := path.Base(path.Dir(find(resource, "Metadata", "Package").Value))
		remove(resource, "Metadata")
		properties := find(resource, "Properties")
		properties.Content = append(properties.Content, scalar("CodeUri"), scalar(function+"-"+architecture+".zip"))
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return fmt.Errorf("write template: %w", err)
	}
	return r.write("template-"+architecture+".yaml", out.Bytes())
}

// find is the value at the end of a path of names; an empty node if there is none.
func find(node *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		next := &yaml.Node{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				next = node.Content[i+1]
			}
		}
		node = next
	}
	return node
}

func remove(node *yaml.Node, name string) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			node.Content = append(node.Content[:i:i], node.Content[i+2:]...)
			return
		}
	}
}

func scalar(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}
