raise ImportError("would load protobuf")
