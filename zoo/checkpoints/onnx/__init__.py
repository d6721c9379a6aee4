"""ONNX graphs read without the runtime, and verified before it sees them."""
